/**
 * The commands of calicoctl 0.x and 1.x, on every datastore: what they print, how they end, and what is in the
 * datastore after them. The rows build on each other.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/model/resource.ts';
import { runCli } from '../support/cli.ts';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from './homes.ts';

interface Row {
  /** The command line after `calicoctl`. */
  readonly line: string;
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is in the datastore afterwards. */
  readonly peers?: Readonly<Record<string, Json>>;
  readonly configuration?: Json;
}

const PEER_TABLE = (head: string, ...rows: readonly string[]): string => {
  const rule = `+${'-'.repeat(head.length + 2)}+--------+`;
  const lines = rows.map((row) => `| ${row.padEnd(head.length)} | 64512  |`);
  return [rule, `| ${head} | AS Num |`, rule, ...lines, rule, ''].join('\n');
};

const V4 = { peerIP: '10.0.0.250', asNumber: 64512 };
const V6 = { peerIP: 'fd00::250', asNumber: 64512 };

const ROWS: readonly Row[] = [
  // calicoctl 1.x
  { line: 'config get nodeToNodeMesh', stdout: 'on\n' },
  { line: 'config get asNumber', stdout: '64512\n' },
  { line: 'config set nodeToNodeMesh off', configuration: { nodeToNodeMeshEnabled: false } },
  { line: 'config get nodetonodemesh', stdout: 'off\n' },
  { line: 'config get node_mesh --raw=bgp', stdout: '{"enabled":false}\n' },
  { line: 'config set asNumber 1.10', configuration: { nodeToNodeMeshEnabled: false, asNumber: 65546 } },
  { line: 'config get asNumber', stdout: '65546\n' },
  { line: 'config get as_num --raw=bgp', stdout: '65546\n' },
  {
    line: 'config set asNumber many',
    code: 1,
    stderr: 'Error executing command: invalid value "many" for asNumber\n',
    configuration: { nodeToNodeMeshEnabled: false, asNumber: 65546 },
  },
  {
    line: 'config set asNumber 64513 --node=n1',
    code: 1,
    stderr: 'Error executing command: --node should not be specified\n',
  },
  { line: 'config unset asNumber', configuration: { nodeToNodeMeshEnabled: false, asNumber: 64512 } },
  { line: 'config unset nodeToNodeMesh', configuration: { nodeToNodeMeshEnabled: true, asNumber: 64512 } },
  { line: 'config set logLevel debug --node=n1' },
  { line: 'config get logLevel --node=n1', stdout: 'debug\n' },
  // calicoctl 0.x
  { line: 'bgp node-mesh', stdout: 'on\n' },
  { line: 'bgp node-mesh off', configuration: { nodeToNodeMeshEnabled: false, asNumber: 64512 } },
  { line: 'bgp node-mesh', stdout: 'off\n' },
  { line: 'bgp default-node-as 65123', configuration: { nodeToNodeMeshEnabled: false, asNumber: 65123 } },
  { line: 'bgp default-node-as', stdout: '65123\n' },
  { line: 'bgp default-node-as 64512', configuration: { nodeToNodeMeshEnabled: false, asNumber: 64512 } },
  { line: 'bgp default-node-as 4294967296', code: 1, stderr: 'Invalid AS Number specified.\n' },
  { line: 'bgp peer show', stdout: 'No global IPv4 BGP Peers defined.\nNo global IPv6 BGP Peers defined.\n' },
  { line: 'bgp peer add 10.0.0.250 as 64512', peers: { global4: V4 } },
  { line: 'bgp peer add fd00::250 as 64512', peers: { global4: V4, global6: V6 } },
  { line: 'bgp peer add fd00:0::0250 as 64512', peers: { global4: V4, global6: V6 } },
  { line: 'bgp peer add 10.0.0.256 as 64512', code: 1, stderr: 'Invalid IP address specified.\n' },
  { line: 'bgp peer add 10.0.0.9 as none', code: 1, stderr: 'Invalid AS Number specified.\n' },
  { line: 'bgp peer show --ipv4', stdout: PEER_TABLE('Global IPv4 BGP Peer', '10.0.0.250') },
  { line: 'bgp peer show --ipv6', stdout: PEER_TABLE('Global IPv6 BGP Peer', 'fd00::250') },
  {
    line: 'node bgp peer add 10.0.0.250 as 64512',
    env: { HOSTNAME: 'n1' },
    peers: { global4: V4, global6: V6, n1: { node: 'n1', ...V4 } },
  },
  {
    line: 'node bgp peer show --ipv4',
    env: { HOSTNAME: 'n1' },
    stdout: PEER_TABLE('Node specific IPv4 BGP Peer', '10.0.0.250'),
  },
  {
    line: 'node show',
    stdout: [
      '+----------+-----------+-----------+-------------------+--------------+--------------+',
      '| Hostname | Bird IPv4 | Bird IPv6 |      AS Num       | BGP Peers v4 | BGP Peers v6 |',
      '+----------+-----------+-----------+-------------------+--------------+--------------+',
      '| n1       | 10.0.0.1  |           | 64512 (inherited) | 10.0.0.250   |              |',
      '+----------+-----------+-----------+-------------------+--------------+--------------+',
      '',
    ].join('\n'),
  },
  {
    line: 'bgp peer remove 10.0.0.250',
    stdout: 'BGP peer removed from global configuration\n',
    peers: { global6: V6, n1: { node: 'n1', ...V4 } },
  },
  {
    line: 'bgp peer remove 10.0.0.250',
    code: 1,
    stderr: '10.0.0.250 is not a globally configured peer.\n',
  },
  {
    line: 'node bgp peer remove 10.0.0.250',
    env: { HOSTNAME: 'n1' },
    stdout: 'BGP peer removed from node configuration\n',
    peers: { global6: V6 },
  },
  // Documents of calicoctl 1.x mean the peers that the commands mean.
  {
    line: 'create -f -',
    stdin:
      'apiVersion: v1\nkind: bgpPeer\nmetadata: {peerIP: 10.0.0.250, scope: node, node: n1}\nspec: {asNumber: 64512}\n',
    stdout: "Successfully created 1 'BGPPeer' resource(s)\n",
    peers: { global6: V6, n1: { node: 'n1', ...V4 } },
  },
  // They were named by scope, node and address.
  {
    line: 'get bgpPeer 10.0.0.250 --scope=node --node=n1 -o custom-columns=PEERIP,NODE',
    stdout: 'PEERIP       NODE   \n10.0.0.250   n1     \n\n',
  },
  {
    line: 'get bgpPeers --scope=global -o custom-columns=PEERIP',
    stdout: 'PEERIP      \nfd00::250   \n\n',
  },
  {
    line: 'get bgpPeers --scope=rack',
    code: 1,
    stderr: 'Failed to execute command: there is no scope "rack"\n  It is global or node.\n',
  },
  {
    line: 'delete bgpPeer 10.0.0.250 --scope=node --node=n1',
    stdout: "Successfully deleted 1 'BGPPeer' resource(s)\n",
    peers: { global6: V6 },
  },
  {
    line: 'node bgp peer add 10.0.0.250 as 64512 --node n1',
    peers: { global6: V6, n1: { node: 'n1', ...V4 } },
  },
  {
    line: 'node bgp peer remove 10.0.0.250 --node n1',
    stdout: 'BGP peer removed from node configuration\n',
    peers: { global6: V6 },
  },
];

/** Rows that change something: for homes where the rest would say the same once more. */
const CHANGES = ROWS.filter((row) => row.peers !== undefined || row.configuration !== undefined);

const HOMES: readonly [string, () => Promise<CliHome>, readonly Row[]][] = [
  ['etcd v2', () => etcdHome('v2'), ROWS],
  ['etcd v3', () => etcdHome('v3'), CHANGES],
  ['the Kubernetes API', kubernetesHome, ROWS],
  ['a folder of files', fileHome, CHANGES],
];

for (const [name, open, rows] of HOMES) {
  test(`calicoctl's commands of older eras on ${name}`, async (context) => {
    const home = await open();
    try {
      await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
      for (const row of rows) await context.test(row.line, () => tryRow(home, row));
    } finally {
      await home.close();
    }
  });
}

async function tryRow(home: CliHome, row: Row): Promise<void> {
  const words = row.line.split(' ');
  const result = await runCli('calicoctl', words, {
    env: { ...home.env, ...row.env },
    ...(row.stdin === undefined ? {} : { stdin: row.stdin }),
  });
  assert.deepEqual(
    { code: result.code, stdout: result.stdout, stderr: result.stderr },
    { code: row.code ?? 0, stdout: row.stdout ?? '', stderr: row.stderr ?? '' },
  );
  if (row.peers !== undefined) {
    const { resources } = await home.datastore.list('BGPPeer');
    assert.deepEqual(sorted(resources.map(({ spec }) => spec)), sorted(Object.values(row.peers)));
  }
  if (row.configuration !== undefined)
    assert.deepEqual((await home.datastore.get('BGPConfiguration', 'default')).spec, row.configuration);
}

function sorted(values: readonly Json[]): readonly string[] {
  return values
    .map((value) =>
      JSON.stringify(Object.fromEntries(Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))),
    )
    .sort();
}
