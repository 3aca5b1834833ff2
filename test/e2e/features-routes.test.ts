/**
 * What Calico's resources say of routes, seen in kernels: an edge router (FRR, another AS) beside three nodes and two
 * reflectors, one a Calico node with a cluster ID and one dedicated. IPv4 and IPv6 throughout.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import { checksOf } from '../support/checks.ts';
import {
  type ClusterLab,
  CONVERGE_MS,
  clusterNode,
  clusterResources,
  nodeResource,
  startCluster,
} from '../support/cluster-lab.ts';
import { type Frr, startFrr } from '../support/frr.ts';
import { forwardingTable, kernelRoutes } from '../support/kernel-routes.ts';
import { type LabHome, startFileHome } from '../support/lab-homes.ts';
import { createLab, type Lab } from '../support/namespaces.ts';
import { startPings } from '../support/ping.ts';
import { type ReflectorAgent, startAgent } from '../support/reflector-agent.ts';
import { configuration, reflector, resource } from '../support/resources.ts';
import { staysTrue, until } from '../support/until.ts';

const checks = checksOf('features-routes');
const { check } = checks;
const FAMILIES = [4, 6] as const;

/** An address that n1 has from nobody's block, as Calico's IPAM lends them when blocks run out. */
const BORROWED = { 4: '10.65.99.7', 6: 'fd00:65:0:99::7' };
const plain1 = clusterNode('n1', 1, 'bird2');
const n1 = { ...plain1, workloads: [...(plain1.workloads ?? []), BORROWED[4], BORROWED[6]] };
const n2 = clusterNode('n2', 2, 'bird1');
const n3 = clusterNode('n3', 3, 'agent');
const rr1 = { ...clusterNode('rr1', 11, 'agent'), workloads: [] };
const rr2 = { name: 'rr2', ipv4: '10.0.0.12', ipv6: 'fd00:10::12' };
const PLAIN = [n1, n2, n3];

const EDGE_AS = 65000;
const edgeHost = {
  name: 'edge',
  ipv4: '10.0.0.201',
  ipv6: 'fd00:10::201',
  workloads: ['172.20.0.1', '2001:db8:20::1'],
};
const TAKEN = { 4: '172.20.0.0/16', 6: '2001:db8:20::/48' };
const REFUSED = { 4: '172.21.0.0/16', 6: '2001:db8:21::/48' };
const EDGE_ADDRESS = { 4: edgeHost.ipv4, 6: edgeHost.ipv6 };

let lab: Lab;
let folder = '';
let home: LabHome;
let cluster: ClusterLab;
let dedicated: ReflectorAgent;
let edge: Frr;

function block(plan: typeof n2, family: 4 | 6): string {
  return family === 4 ? plan.block4 : plan.block6;
}

/** What a plain node forwards to: the others' blocks, the borrowed address, and what the edge announces. */
function tableOf(
  plan: typeof n2,
  family: 4 | 6,
  fromEdge: readonly string[],
): Readonly<Record<string, string>> {
  const others = PLAIN.filter((other) => other.name !== plan.name);
  const address = (of: typeof n2): string => (family === 4 ? of.ipv4 : of.ipv6);
  return Object.fromEntries([
    ...others.map((other) => [block(other, family), address(other)]),
    ...(plan === n1 ? [] : [[BORROWED[family], address(n1)]]),
    ...fromEdge.map((prefix) => [prefix, EDGE_ADDRESS[family]]),
  ]);
}

async function untilTables(fromEdge: (family: 4 | 6) => readonly string[]): Promise<void> {
  for (const plan of PLAIN) {
    for (const family of FAMILIES) {
      const wanted = tableOf(plan, family, fromEdge(family));
      await until(
        async () => isDeepStrictEqual(await seenAt(plan, family), wanted),
        async () =>
          `${plan.name} to forward as ${JSON.stringify(wanted)}; it does ${JSON.stringify(await seenAt(plan, family))}`,
        CONVERGE_MS,
      );
    }
  }
}

/**
 * What a node forwards to. A router on our own segment tells its link-local address beside the other one (RFC 2545),
 * and a BIRD may go by either; here both are the edge.
 */
async function seenAt(plan: typeof n2, family: 4 | 6): Promise<Readonly<Record<string, string>>> {
  const table = await forwardingTable(lab.host(plan.name), family);
  const local = await lab
    .host('edge')
    .run(debianTools().ip, ['-6', 'address', 'show', 'dev', 'eth0', 'scope', 'link']);
  const linkLocal = /inet6 (fe80:[^/]+)/.exec(local)?.[1];
  return Object.fromEntries(
    Object.entries(table).map(([prefix, via]) => [prefix, via === linkLocal ? edgeHost.ipv6 : via]),
  );
}

/** The BGPPeers of both families by which reflectors know the edge. */
async function putEdgePeers(spec: JsonObject): Promise<void> {
  await home.put(
    ...[edgeHost.ipv4, edgeHost.ipv6].map((peerIP, index) =>
      resource('BGPPeer', `edge-v${FAMILIES[index]}`, {
        nodeSelector: 'has(route-reflector)',
        peerIP,
        asNumber: EDGE_AS,
        ...spec,
      }),
    ),
  );
}

/** Waits until the edge has the block of a node by just these next hops, one for each reflector. */
async function untilEdgeHops(
  plan: typeof n2,
  family: 4 | 6,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const seen = async () =>
    Object.fromEntries(
      (await edge.paths(block(plan, family))).map(({ peer, nextHops }) => [peer, nextHops.join()]),
    );
  const sorted = (hops: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(hops).sort());
  await until(
    async () => sorted(await seen()) === sorted(wanted),
    async () =>
      `the edge to have ${block(plan, family)} as ${sorted(wanted)}; it has ${sorted(await seen())}`,
    CONVERGE_MS,
  );
}

/** Next hops of a prefix in the edge's own kernel. */
async function edgeForwards(prefix: string): Promise<string> {
  const family = prefix.includes(':') ? '-6' : '-4';
  return lab.host('edge').run(debianTools().ip, [family, 'route', 'show', prefix]);
}

before(async () => {
  await prepareDebian();
  await prepareDebian(['frr-bgpd', 'frr-zebra', 'vtysh']);
  folder = mkdtempSync(join(tmpdir(), 'crr-'));
  lab = await createLab([...PLAIN, rr1, rr2, edgeHost]);
  home = await startFileHome(lab.host('rr1'), join(folder, 'home'));
  await home.put(
    ...clusterResources(PLAIN),
    configuration({ nodeToNodeMeshEnabled: false }),
    nodeResource(rr1, { routeReflectorClusterID: '1.0.0.1' }, { 'route-reflector': 'true' }),
    {
      ...reflector('rr2', [rr2.ipv4, rr2.ipv6], { clusterID: '1.0.0.1' }),
      metadata: { name: 'rr2', labels: { 'route-reflector': 'true' } },
    },
    resource('BGPPeer', 'nodes-to-rr1', {
      nodeSelector: '!has(route-reflector)',
      peerSelector: 'has(route-reflector)',
    }),
    ...[rr2.ipv4, rr2.ipv6].map((peerIP, index) =>
      resource('BGPPeer', `nodes-to-rr2-v${FAMILIES[index]}`, {
        nodeSelector: '!has(route-reflector)',
        peerIP,
        asNumber: 64512,
      }),
    ),
  );
  cluster = await startCluster(lab, folder, home, [...PLAIN, rr1]);
  dedicated = await startAgent(lab.host('rr2'), folder, { args: ['--name', 'rr2'], env: home.env });
  const peers = [rr1, rr2].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  const family = (name: string, colon: boolean, networks: readonly string[]): readonly string[] => [
    ` address-family ${name} unicast`,
    ...networks.map((network) => `  network ${network}`),
    ...peers
      .filter((peer) => peer.includes(':') === colon)
      .flatMap((peer) => [`  neighbor ${peer} activate`, `  neighbor ${peer} default-originate`]),
    ' exit-address-family',
  ];
  edge = await startFrr(lab.host('edge'), folder, [
    `router bgp ${EDGE_AS}`,
    ` bgp router-id ${edgeHost.ipv4}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ' no bgp default ipv4-unicast',
    ...peers.flatMap((peer) => [` neighbor ${peer} remote-as 64512`, ` neighbor ${peer} timers connect 2`]),
    ...family('ipv4', false, [TAKEN[4], REFUSED[4]]),
    ...family('ipv6', true, [TAKEN[6], REFUSED[6]]),
  ]);
});

after(() => {
  lab?.close();
  if (checks.incomplete) process.stdout.write(`logs of all daemons are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
});

check('aggregate', async () => {
  await untilTables(() => []);
  for (const plan of PLAIN) {
    for (const family of FAMILIES) {
      const own = (await kernelRoutes(lab.host(plan.name), family)).find(
        (route) => route.prefix === block(plan, family),
      );
      assert.equal(own?.type, 'blackhole', `${plan.name} ${block(plan, family)}`);
    }
  }
});

check('edge-pools', async () => {
  await putEdgePeers({});
  await untilTables((family) => [TAKEN[family], REFUSED[family]]);
  for (const plan of PLAIN) {
    for (const family of FAMILIES) {
      await until(
        async () => / via /.test(await edgeForwards(block(plan, family))),
        async () => `the edge to route ${block(plan, family)}: ${await edgeForwards(block(plan, family))}`,
        CONVERGE_MS,
      );
    }
  }
  const pings = await startPings(
    PLAIN.flatMap(({ name, workload4, workload6 }) => [
      { host: lab.host(name), source: workload4, target: '172.20.0.1' },
      { host: lab.host(name), source: workload6, target: '2001:db8:20::1' },
    ]),
  );
  for (const report of await pings.finish()) assert.ok(report.sent > 0);
});

check('edge-default', async () => {
  for (const family of FAMILIES) {
    await until(
      async () => 'default' in (await forwardingTable(lab.host('rr1'), family)),
      `the reflecting node to have the edge's IPv${family} default route`,
      CONVERGE_MS,
    );
  }
  await staysTrue(
    async () => {
      for (const { name } of PLAIN) {
        for (const family of FAMILIES) {
          if ('default' in (await forwardingTable(lab.host(name), family))) return false;
        }
      }
      return true;
    },
    'no default route at any plain node',
    3_000,
  );
});

check('next-hop-auto', async () => {
  // A Calico node forwards and names itself to another AS; a dedicated reflector forwards nothing.
  await untilEdgeHops(n1, 4, { [rr1.ipv4]: rr1.ipv4, [rr2.ipv4]: n1.ipv4 });
  await untilEdgeHops(n1, 6, { [rr1.ipv6]: rr1.ipv6, [rr2.ipv6]: n1.ipv6 });
});

check('next-hop-keep', async () => {
  await putEdgePeers({ nextHopMode: 'Keep' });
  await untilEdgeHops(n1, 4, { [rr1.ipv4]: n1.ipv4, [rr2.ipv4]: n1.ipv4 });
  await untilEdgeHops(n1, 6, { [rr1.ipv6]: n1.ipv6, [rr2.ipv6]: n1.ipv6 });
  for (const family of FAMILIES) {
    const address = family === 4 ? n1.ipv4 : n1.ipv6;
    await until(
      async () => (await edgeForwards(block(n1, family))).includes(`via ${address} `),
      async () => `the edge's kernel to go straight to n1: ${await edgeForwards(block(n1, family))}`,
      CONVERGE_MS,
    );
  }
});

check('next-hop-self', async () => {
  await putEdgePeers({ nextHopMode: 'Self' });
  await untilEdgeHops(n1, 4, { [rr1.ipv4]: rr1.ipv4, [rr2.ipv4]: rr2.ipv4 });
  await untilEdgeHops(n1, 6, { [rr1.ipv6]: rr1.ipv6, [rr2.ipv6]: rr2.ipv6 });
  await putEdgePeers({ nextHopMode: 'Keep' });
  await untilEdgeHops(n1, 4, { [rr1.ipv4]: n1.ipv4, [rr2.ipv4]: n1.ipv4 });
});

function edgeFilter(more: (all: string) => readonly JsonObject[] = () => []) {
  const reject = (cidr: string): JsonObject => ({ cidr, matchOperator: 'Equal', action: 'Reject' });
  const mark: JsonObject = {
    cidr: n2.block4,
    matchOperator: 'Equal',
    action: 'Accept',
    operations: [{ addCommunity: { value: '65000:7' } }],
  };
  return resource('BGPFilter', 'edge', {
    importV4: [reject(REFUSED[4]), ...more('0.0.0.0/0')],
    importV6: [reject(REFUSED[6]), ...more('::/0')],
    exportV4: [reject(n3.block4), mark],
    exportV6: [reject(n3.block6)],
  });
}

check('filters', async () => {
  await home.put(edgeFilter());
  await putEdgePeers({ nextHopMode: 'Keep', filters: ['edge'] });
  await untilTables((family) => [TAKEN[family]]);
  await untilEdgeHops(n3, 4, {});
  await untilEdgeHops(n3, 6, {});
  await until(
    async () => {
      const paths = await edge.paths(n2.block4);
      return paths.length === 2 && paths.every(({ communities }) => communities === '65000:7');
    },
    async () => `both paths to be marked: ${JSON.stringify(await edge.paths(n2.block4))}`,
    CONVERGE_MS,
  );
  await until(
    // zebra takes it out of the kernel after bgpd let go of it.
    async () => (await edgeForwards(n3.block4)) === '',
    async () => `the edge's kernel to forget ${n3.block4}: ${await edgeForwards(n3.block4)}`,
    CONVERGE_MS,
  );
});

check('edge-default-accepted', async () => {
  await home.put(edgeFilter((all) => [{ cidr: all, matchOperator: 'Equal', action: 'Accept' }]));
  await untilTables((family) => [TAKEN[family], 'default']);
  await home.put(edgeFilter());
  await untilTables((family) => [TAKEN[family]]);
});

const TUNNELLED = { pool: '10.66.0.0/16', block: '10.66.1.0/26' };

check('ipip', async () => {
  await home.put(
    resource('IPPool', 'tunnels', { cidr: TUNNELLED.pool, ipipMode: 'Always' }),
    resource('BlockAffinity', 'n1-tunnels', { state: 'confirmed', node: 'n1', cidr: TUNNELLED.block }),
  );
  await cluster.refresh();
  const asked = [cluster.rendered('n1'), cluster.agent('n3')];
  for (const one of asked) {
    const command = `show route ${TUNNELLED.block}`;
    await until(
      // birdc fails while there is no such route.
      async () => (await one.ask(command).catch(() => '')).includes(TUNNELLED.block),
      `${one.host.name} to have the route`,
      CONVERGE_MS,
    );
  }
  const status = await until(
    async () => {
      const now = await cluster.agent('n3').status();
      return now.problems.find(({ message }) => message.includes(`IPIP pool ${TUNNELLED.pool}`));
    },
    'n3 to say that the pool is not honoured',
    CONVERGE_MS,
  );
  assert.match(status.message, /not honoured/);
  await staysTrue(
    async () => !(TUNNELLED.block in (await forwardingTable(lab.host('n3'), 4))),
    'no route without a tunnel',
    3_000,
  );
});

check('ipip-never', async () => {
  await home.put(resource('IPPool', 'tunnels', { cidr: TUNNELLED.pool, ipipMode: 'Never' }));
  await until(
    async () => (await forwardingTable(lab.host('n3'), 4))[TUNNELLED.block] === n1.ipv4,
    'n3 to route the block of a pool without tunnels',
    CONVERGE_MS,
  );
  assert.deepEqual(await kernelRoutes(dedicated.host, 4), [], 'a dedicated reflector programs nothing');
});

checks.allShown();
