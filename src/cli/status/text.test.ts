import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentStatus, SessionStatus } from '../../agent/status.ts';
import { parseAddress } from '../../model/address.ts';
import { DEFAULT_AS_NUMBER } from '../../model/as-number.ts';
import { statusText } from './text.ts';

function session(peer: string, changes: Partial<SessionStatus>): SessionStatus {
  const peerAddress = parseAddress(peer);
  assert.ok(peerAddress !== undefined);
  return {
    name: `Node_${peer}`,
    kind: 'node',
    family: peer.includes(':') ? 6 : 4,
    peerAddress,
    peerPort: 179,
    peerName: 'n1',
    peerAs: DEFAULT_AS_NUMBER,
    client: true,
    because: 'BGPPeer/n1',
    state: 'Established',
    protocolState: 'up',
    since: '08:11:20.123',
    info: 'Established',
    counters: null,
    held: null,
    ...changes,
  };
}

const status: AgentStatus = {
  instance: 'rr1',
  version: '0.1.0',
  pid: 1,
  started: '2026-01-01T00:00:00.000Z',
  phase: 'running',
  ready: true,
  reason: 'running as the datastore says',
  speaker: {
    name: 'rr1',
    standing: 'entry',
    role: 'reflector',
    asNumber: DEFAULT_AS_NUMBER,
    routerId: '10.0.0.1',
    ipv4: parseAddress('10.0.0.1') ?? null,
    ipv6: null,
    clusterId: '1.0.0.1',
    group: 'default',
    listenPort: 179,
  },
  engine: { name: 'BIRD 2.0.12', running: true, recovering: false, counters: null },
  sessions: [
    session('10.0.0.4', { kind: 'reflector' }),
    session('10.0.0.2', { protocolState: 'start', state: 'Connect', since: '08:12:01', info: 'Connect' }),
  ],
  held: [],
  problems: [],
  cluster: { checkedAt: '2026-01-01T00:00:10.000Z', notChecked: null, problems: [] },
  datastore: {
    type: 'etcdv2',
    location: 'http://127.0.0.1:2379',
    connected: true,
    since: '2026-01-01T00:00:00.000Z',
    reason: null,
  },
  state: {
    directory: '/var/lib/calico-rr/rr1',
    lost: null,
    approvedAt: '2026-01-01T00:00:00.000Z',
    ageSeconds: 30,
  },
  applyError: null,
};

test('the sessions stand in the table of calicoctl node status', () => {
  const expected = `Calico process is running.

IPv4 BGP status
+--------------+-------------------+-------+----------+-------------+
| PEER ADDRESS |     PEER TYPE     | STATE |  SINCE   |    INFO     |
+--------------+-------------------+-------+----------+-------------+
| 10.0.0.4     | node-to-node mesh | up    | 08:11:20 | Established |
| 10.0.0.2     | node specific     | start | 08:12:01 | Connect     |
+--------------+-------------------+-------+----------+-------------+

IPv6 BGP status
No IPv6 peers found.

`;
  assert.equal(statusText(status).slice(0, expected.length), expected);
});

test('an address with an underscore-free name or a port is shown as it is, not guessed from the name', () => {
  const text = statusText({
    ...status,
    sessions: [session('fd00::2', { name: 'Global_x_port_1790', kind: 'global' })],
  });
  assert.match(text, /No IPv4 peers found\./);
  assert.match(text, /\| fd00::2 {6}\| {1,2}global/);
});

test('connections that got no answer are told of, beside the engine', () => {
  const engine = { name: 'native', running: true, recovering: false };
  const lineOf = (counters: { readonly unknownPeer: number; readonly tooManyOpens: number }): string =>
    /^Engine: .*$/m.exec(statusText({ ...status, engine: { ...engine, counters } }))?.[0] ?? '';
  assert.equal(lineOf({ unknownPeer: 0, tooManyOpens: 0 }), 'Engine:     native, running');
  assert.equal(
    lineOf({ unknownPeer: 12, tooManyOpens: 3 }),
    "Engine:     native, running; turned away: 12 connections from addresses that are no peer's, 3 that came too often",
  );
});

test('a held change is shown with its reason, its resources and the command that approves it', () => {
  const text = statusText({
    ...status,
    held: [
      {
        id: 'abcd1234',
        since: '2026-01-01T00:00:00.000Z',
        rules: ['min-reflectors'],
        reasons: ['n1 would have too few reflectors'],
        sessions: [],
        routes: [],
        resources: ['BGPPeer/n1-to-rr1'],
      },
    ],
  });
  assert.match(text, /HELD: 1 change waits for approval/);
  assert.match(text, /n1 would have too few reflectors/);
  assert.match(text, /BGPPeer\/n1-to-rr1/);
  assert.match(text, /calico-rr approve abcd1234/);
});

test('a datastore that is away, and since when, is plain to see', () => {
  const datastore = { ...status.datastore, connected: false, reason: 'connection refused' };
  assert.match(statusText({ ...status, datastore }), /NOT REACHABLE \(connection refused\) since 2026-01-01/);
});

test('what all speakers together show is told apart from what is wrong here', () => {
  const textOf = (cluster: AgentStatus['cluster']) => statusText({ ...status, cluster });
  assert.match(textOf(status.cluster), /^Cluster: {4}all speakers together: nothing wrong at 2026-01-01T/m);
  const notYet = { checkedAt: null, notChecked: null, problems: [] };
  assert.match(textOf(notYet), /^Cluster: {4}not checked as a whole yet$/m);
  assert.match(
    textOf({ ...notYet, notChecked: 'it failed: of itself' }),
    /^Cluster: {4}not checked as a whole: it failed: of itself$/m,
  );
  const problem = { severity: 'error', subject: 'Node/n1', message: 'n1 hears nobody.' } as const;
  const text = textOf({ ...status.cluster, problems: [{ ...problem, code: 'pairs-apart' }] });
  assert.match(text, /^Cluster: {4}all speakers together: 1 found \(below\) at/m);
  assert.match(
    text,
    /^Problems of the cluster as a whole:\n {2}error: n1 hears nobody\. \(Node\/n1, pairs-apart\)$/m,
  );
});

test('whom the guard protects is said, and what does for the others', () => {
  const textOf = (type: AgentStatus['datastore']['type']) =>
    statusText({ ...status, datastore: { ...status.datastore, type } });
  assert.match(
    textOf('etcdv3'),
    /Guard: {6}holds this speaker's own side; .* obey what is written to etcd at once/,
  );
  assert.match(
    textOf('kubernetes'),
    /Guard: {6}holds this speaker's own side; .* only the admission webhook/,
  );
});
