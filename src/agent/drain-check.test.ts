import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, KINDS, type Kind, type Resource } from '../model/resource.ts';
import { createTopology } from '../topology/topology.ts';
import { describeStranded, strandedClients } from './drain-check.ts';
import { limitDown, type ReadReport, readReport, STATUS_FRESH_MS } from './status-object.ts';

function resource(kind: Kind, name: string, spec: JsonObject): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

const resources = [
  resource('RouteReflector', 'rr1', { ipv4: '10.0.0.1', clusterID: '1.0.0.1' }),
  resource('RouteReflector', 'rr2', { ipv4: '10.0.0.2', clusterID: '1.0.0.1' }),
  resource('Node', 'n1', { bgp: { ipv4Address: '10.0.1.1/24' } }),
  resource('BGPPeer', 'n1-rr1', { node: 'n1', peerIP: '10.0.0.1', asNumber: 64512 }),
];
const toRr2 = resource('BGPPeer', 'n1-rr2', { node: 'n1', peerIP: '10.0.0.2', asNumber: 64512 });

const report: ReadReport = {
  addresses: ['10.0.0.2'],
  state: 'running',
  version: '0.1.0',
  configured: 2,
  established: 2,
  down: [],
  downOmitted: 0,
  held: 0,
  control: null,
  updated: 1_000_000,
};

function stranded(
  extra: readonly Resource[],
  reports: readonly { name: string; report: ReadReport }[],
  away: readonly string[] = [],
) {
  const topology = createTopology();
  topology.load({ resources: [...resources, ...extra], broken: [], warnings: [] });
  const identity = topology.resolve('rr1');
  assert.ok(identity !== undefined);
  const clients = topology
    .speaker(identity)
    .config()
    .sessions.filter((session) => session.client);
  return strandedClients({
    self: new Set(['rr1']),
    clients,
    topology,
    reports,
    away: new Set(away),
    now: 1_000_000,
  });
}

const TABLE: readonly (readonly [
  string,
  readonly Resource[],
  readonly { name: string; report: ReadReport }[],
  RegExp | null,
])[] = [
  ['has another established reflector', [toRr2], [{ name: 'rr2', report }], null],
  [
    'has one that goes by another name but reports its address',
    [toRr2],
    [{ name: '10.0.0.2', report }],
    null,
  ],
  ['has no other reflector', [], [{ name: 'rr2', report }], /it has no other reflector/],
  ['has another that reports no status', [toRr2], [], /rr2 reports no status/],
  [
    'has another with which its session is down',
    [toRr2],
    [{ name: 'rr2', report: { ...report, down: ['10.0.1.1'] } }],
    /its session with rr2 is down/,
  ],
  [
    'has another that is being drained',
    [toRr2],
    [{ name: 'rr2', report: { ...report, state: 'draining' } }],
    /rr2 is draining/,
  ],
  [
    'has another that died long ago',
    [toRr2],
    [{ name: 'rr2', report: { ...report, updated: 1_000_000 - STATUS_FRESH_MS - 1 } }],
    /rr2 has not reported for long/,
  ],
  [
    'has another with too many sessions down to list',
    [toRr2],
    [{ name: 'rr2', report: { ...report, downOmitted: 1 } }],
    /too many sessions down/,
  ],
  [
    'has another in another AS, which is no reflector to it',
    [resource('BGPPeer', 'n1-rr2', { node: 'n1', peerIP: '10.0.0.2', asNumber: 64999 })],
    [{ name: 'rr2', report }],
    /rr2 does not serve it/,
  ],
];

for (const [what, extra, reports, reason] of TABLE) {
  test(`a client that ${what} ${reason === null ? 'lets' : 'does not let'} this reflector go`, () => {
    const found = stranded(extra, reports);
    if (reason === null) assert.deepEqual(found, []);
    else assert.match(describeStranded(found), reason);
    if (reason !== null) assert.match(describeStranded(found), /^n1 \(10\.0\.1\.1\): /);
  });
}

test('a reflector that we cannot reach ourselves does not count, whatever it last reported', () => {
  assert.match(
    describeStranded(stranded([toRr2], [{ name: 'rr2', report }], ['rr2'])),
    /our own session with rr2 is down/,
  );
});

test('a status object is read back as it was written, and nonsense is none', () => {
  const spec = { ...report, updated: new Date(report.updated).toISOString() };
  assert.deepEqual(readReport(resource('RouteReflectorStatus', 'rr2', spec)), report);
  assert.equal(readReport(resource('RouteReflectorStatus', 'rr2', {})), undefined);
  assert.equal(readReport(resource('RouteReflectorStatus', 'rr2', { ...spec, state: 'asleep' })), undefined);
});

test('a report stays small, and says how much it leaves out', () => {
  const many = Array.from({ length: 2500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const { down, downOmitted } = limitDown(many);
  assert.equal(down.length + downOmitted, 2500);
  assert.ok(down.length <= 500);
});
