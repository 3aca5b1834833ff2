/**
 * The BIRD engine in the role of a node, where it programs a kernel: two nodes and a reflector, each with an
 * engine and in a network namespace of its own, IPv4 and IPv6.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { createBirdEngine } from '../../src/engine/bird/bird-engine.ts';
import { openControlSocket } from '../../src/engine/bird/control-socket.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { type IpAddress, parseAddress } from '../../src/model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { clientOf, prefix, reflectorOf } from '../contract/engine.ts';
import {
  forwardingTable,
  kernelRoutes,
  monitorAllRoutes,
  monitorRoutes,
  untilForwards,
} from '../support/kernel-routes.ts';
import { createLab, type Lab } from '../support/namespaces.ts';
import { until } from '../support/until.ts';

const NONE: ReadonlyMap<string, string> = new Map();
const hosts = { rr: 1, n1: 11, n2: 12 } as const;
type Name = keyof typeof hosts;
const v4 = (name: Name): string => `10.99.0.${hosts[name]}`;
const v6 = (name: Name): string => `fd99::${hosts[name]}`;

let lab: Lab;
let folder = '';
const engines = new Map<Name, Engine>();

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert(parsed !== undefined);
  return parsed;
}

/** BIRD of this host: the same program, started inside its namespace. */
function binaryOf(name: Name): string {
  const path = join(folder, `bird-${name}`);
  const inside = `nsenter --net=/run/netns/${lab.host(name).namespace} --`;
  writeFileSync(path, `#!/bin/sh\nexec ${inside} ${debianTools().bird2} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

function engineOf(name: Name): Engine {
  const engine = createBirdEngine({
    binary: binaryOf(name),
    stateDir: join(folder, name),
    instance: name,
    log: pino({ level: 'silent' }),
  });
  engines.set(name, engine);
  return engine;
}

function sessions(own: Name, peers: readonly Name[], client: boolean): readonly SessionConfig[] {
  const net = { port: 179, address: (host: number) => `10.99.0.${host}` };
  return peers.flatMap((peer) =>
    ([4, 6] as const).map((family) => {
      const peerAddress = address(family === 4 ? v4(peer) : v6(peer));
      return clientOf(net, hosts[peer], {
        name: `Global_${peerAddress.replace(/[.:]/g, '_')}`,
        family,
        peerAddress,
        sourceAddress: address(family === 4 ? v4(own) : v6(own)),
        client,
        clusterId: client ? '1.0.0.1' : null,
      });
    }),
  );
}

function configOf(name: Name): SpeakerConfig {
  const net = { port: 179, address: () => v4(name) };
  const base = { speaker: name, ipv4: address(v4(name)), ipv6: address(v6(name)) };
  if (name === 'rr') return reflectorOf(net, sessions(name, ['n1', 'n2'], true), base);
  const number = hosts[name];
  return reflectorOf(net, sessions(name, ['rr'], false), {
    ...base,
    role: 'node',
    forwards: true,
    group: null,
    clusterId: null,
    blocks: [prefix(`10.200.${number}.0/26`), prefix(`fd20:0:0:${number}::/122`)],
    pools: (['10.200.0.0/16', 'fd20::/32'] as const).map((cidr) => ({
      cidr: prefix(cidr),
      disabled: false,
      ipip: 'Never',
      vxlan: 'Never',
      disableBgpExport: false,
      because: 'IPPool/pool',
    })),
  });
}

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'calico-rr-node-'));
  lab = await createLab(
    (['rr', 'n1', 'n2'] as const).map((name) => ({ name, ipv4: v4(name), ipv6: v6(name) })),
  );
});

after(async () => {
  for (const engine of engines.values()) await engine.stop('detach');
  lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

const expected4 = { '10.200.12.0/26': v4('n2') };
const expected6 = { 'fd20:0:0:12::/122': v6('n2') };

test('two nodes route each other’s blocks, learned from a reflector, with the node as the next hop', async () => {
  for (const name of ['rr', 'n1', 'n2'] as const) {
    const report = await engineOf(name).apply(configOf(name), NONE);
    assert.deepEqual(report.refused, []);
  }
  const n1 = lab.host('n1');
  await untilForwards(n1, 4, expected4, 60_000);
  await untilForwards(n1, 6, expected6, 60_000);
  const own = (await kernelRoutes(n1, 4)).find((route) => route.prefix === '10.200.11.0/26');
  assert.equal(own?.type, 'blackhole');
  assert.deepEqual(await kernelRoutes(lab.host('rr'), 4), [], 'a reflector programs no routes');
});

test('promise 2: a node’s engine that ends gracefully and starts again takes no route from any kernel', async () => {
  const n1 = lab.host('n1');
  const monitor = await monitorAllRoutes([n1, lab.host('n2')]);
  await engines.get('n1')?.stop('graceful');
  assert.deepEqual(await forwardingTable(n1, 4), expected4);
  const engine = engineOf('n1');
  await engine.apply(configOf('n1'), NONE);
  await until(
    async () => {
      const state = await engine.observe();
      return !state.recovering && state.sessions.filter((one) => one.state === 'Established').length === 2;
    },
    'both sessions to be back and recovery to be over',
    70_000,
  );
  await untilForwards(n1, 4, expected4, 60_000);
  await untilForwards(n1, 6, expected6, 60_000);
  // After a restart BIRD writes its IPv6 blackholes anew, which Linux tells as a deletion; they lead nowhere.
  const deleted = (await monitor.finish()).filter(
    (event) => event.kind === 'deleted' && !event.route.startsWith('blackhole '),
  );
  assert.deepEqual(deleted, []);
});

test('negative control: when its BIRD goes down its own way, the other node loses its routes', async () => {
  const n2 = lab.host('n2');
  const monitor = await monitorRoutes(n2);
  await engines.get('n1')?.stop('detach');
  const control = await openControlSocket(join(folder, 'n1', 'bird.ctl'));
  await control.request('down');
  control.close();
  await untilForwards(n2, 4, {}, 60_000);
  await untilForwards(n2, 6, {}, 60_000);
  const deleted = (await monitor.finish()).filter((event) => event.kind === 'deleted');
  assert.equal(deleted.length, 2);
});
