/**
 * `node status` where Calico's own node runs and calico-rr does not: BIRD 1.6 for each family at Calico's sockets, with
 * protocols that are called as Calico calls them. Felix stands in a folder in place of /proc (HOST_PROC, as calicoctl).
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { prepareDebian } from '../../scripts/debian.ts';
import { type BirdDaemon, startBird } from '../support/bird-daemon.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { runToEnd, start } from '../support/processes.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const proc = join(folder.path, 'proc');
const run = join(folder.path, 'run');
const here = { name: 'this host', start, run: runToEnd };
const env = { HOST_PROC: proc, CALICO_RR_CALICO_RUN: run, IP: '192.0.2.9' };
let net: LoopbackNet;
let neighbor: Neighbor;
let bird: BirdDaemon;
let bird6: BirdDaemon;

function runs(id: number, ...words: readonly string[]): void {
  mkdirSync(join(proc, String(id)), { recursive: true });
  writeFileSync(join(proc, String(id), 'cmdline'), words.map((word) => `${word}\0`).join(''));
}

const named = (address: string): string => address.replaceAll('.', '_');

function session(name: string, host: number, more = ''): string {
  return `protocol bgp ${name} {
  local ${net.address(1)} as 64512;
  neighbor ${net.address(host)} port ${net.port} as 64512;
  multihop; connect delay time 1; connect retry time 240; ${more}
}
`;
}

before(async () => {
  await prepareDebian();
  net = await loopbackNet();
  mkdirSync(proc);
  const own = net.address(1);
  const text = `router id ${own};
listen bgp address ${own} port ${net.port};
protocol device {}
${session(`Mesh_${named(net.address(2))}`, 2)}
${session('Node_192_0_2_3_port_8179', 3)}
${session('Global_192_0_2_4', 4, 'disabled;')}
${session('Local_Workload_192_0_2_5', 5, 'passive;')}
${session('mine', 6)}`;
  bird = await startBird(here, '1', run, 'bird', text);
  neighbor = await startNeighbor(folder.path, net, 2, own, { generation: 1 });
  await neighbor.untilUp(60_000);
  await until(
    async () => /^Node_.*refused/m.test(await bird.ask('show protocols')),
    'a connection to be refused',
    60_000,
  );
});

after(async () => {
  await neighbor?.stop();
  for (const daemon of [bird, bird6]) await daemon?.stop('SIGKILL');
  folder.remove();
});

test('without Felix calicoctl knows no node, and calico-rr shows what BIRD says', async () => {
  const theirs = await runCli('calicoctl', ['node', 'status'], { env });
  assert.deepEqual(theirs, { code: 1, stdout: '', stderr: 'Calico process is not running.\n' });
  const ours = await runCli('calico-rr', ['node', 'status'], { env });
  assert.match(ours.stdout, /^Calico's Felix is not seen here; .*\n\nIPv4 BGP status\n\+-+/);
  const none = await runCli('calico-rr', ['status'], { env: { ...env, CALICO_RR_CALICO_RUN: proc } });
  assert.match(none.stderr, /no calico-rr runs here.*\[E_AGENT_UNREACHABLE\]/);
});

test('calicoctl shows what calicoctl shows, in its table', async () => {
  runs(11, '/sbin/runsvdir');
  runs(12, 'calico-node', '-felix');
  runs(13, 'bird', '-R', '-s', '/var/run/calico/bird.ctl');
  const { code, stdout, stderr } = await runCli('calicoctl', ['node', 'status'], { env });
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const peer = net.address(2).padEnd(19);
  const since = stdout.match(/\d\d:\d\d:\d\d/g) ?? [];
  assert.equal(since.length, 2);
  assert.equal(
    stdout,
    `Calico process is running.

IPv4 BGP status
+---------------------+-------------------+-------+----------+---------------------------+
|    PEER ADDRESS     |     PEER TYPE     | STATE |  SINCE   |           INFO            |
+---------------------+-------------------+-------+----------+---------------------------+
| ${peer} | node-to-node mesh | up    | ${since[0]} | Established               |
| 192.0.2.3.port.8179 | node specific     | start | ${since[1]} | Active Socket: Connection |
|                     |                   |       |          | refused                   |
+---------------------+-------------------+-------+----------+---------------------------+

INFO: BIRDv6 process: 'bird6' is not running.

`,
  );
});

test('calico-rr shows every session, and an address with its port as one', async () => {
  bird6 = await startBird(here, '1-6', run, 'bird6', 'router id 10.0.0.1;\nprotocol device {}\n');
  const { code, stdout } = await runCli('calico-rr', ['node', 'status'], { env });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^\| 192\.0\.2\.3:8179 +\| node specific +\| start \| .* \| Active Socket: Connection refused \|$/m,
  );
  assert.match(stdout, /^\| 192\.0\.2\.4 +\| global +\| down /m);
  assert.match(stdout, /^\| 192\.0\.2\.5 +\| local workload +\| start /m);
  assert.doesNotMatch(stdout, /mine/);
  assert.match(stdout, /\n\nIPv6 BGP status\nNo IPv6 peers found\.\n\n$/);
  const json = await runCli('calico-rr', ['status', '-o', 'json'], { env });
  const { calico } = JSON.parse(json.stdout);
  assert.equal(calico.felix, true);
  assert.deepEqual(
    calico.sessions.map(({ peerAddress, peerPort, type }: Record<string, unknown>) => [
      peerAddress,
      peerPort,
      type,
    ]),
    [
      [net.address(2), undefined, 'node-to-node mesh'],
      ['192.0.2.3', 8179, 'node specific'],
      ['192.0.2.4', undefined, 'global'],
      ['192.0.2.5', undefined, 'local workload'],
    ],
  );
});

test('a BIRD that runs and cannot be reached is told beside the one that answers', async () => {
  runs(14, 'bird6', '-R');
  await bird.stop('SIGTERM');
  await bird6.stop('SIGTERM');
  const { code, stdout } = await runCli('calicoctl', ['node', 'status'], { env });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /\nIPv4 BGP status\nError querying BIRD: unable to connect to BIRDv4 socket: .*ENOENT.*\n\n/,
  );
  assert.match(stdout, /\nIPv6 BGP status\nError querying BIRD: unable to connect to BIRDv6 socket: /);
  for (const id of [13, 14]) runs(id, 'sleep');
  const none = await runCli('calicoctl', ['node', 'status'], { env });
  assert.equal(none.code, 0);
  assert.equal(
    none.stdout,
    'Calico process is running.\n\nThe BGP backend process (BIRD) is not running.\n\n',
  );
});
