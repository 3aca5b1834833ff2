import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_SESSION } from '../../test/support/plain-session.ts';
import { type IpAddress, parseAddress, parsePrefix } from '../model/address.ts';
import { parseAsNumber } from '../model/as-number.ts';
import type { PoolConfig, SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import { boundsNarrower, type GuardInput, type Judgement, judge } from './guard.ts';
import { nodeFamily } from './guard-rules.ts';
import type { GuardRule } from './hold.ts';

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

function as(number: number) {
  const parsed = parseAsNumber(number);
  assert.ok(parsed !== undefined);
  return parsed;
}

function pool(cidr: string): PoolConfig {
  const parsed = parsePrefix(cidr);
  assert.ok(parsed !== undefined);
  return {
    cidr: parsed,
    disabled: false,
    ipip: 'Never',
    vxlan: 'Never',
    disableBgpExport: false,
    because: `IPPool/${cidr}`,
  };
}

function client(node: string, peer: string, changes: Partial<SessionConfig> = {}): SessionConfig {
  const peerAddress = address(peer);
  return {
    ...PLAIN_SESSION,
    name: `Node_${peerAddress.replaceAll(/[.:]/g, '_')}`,
    kind: 'node',
    family: peerAddress.includes(':') ? 6 : 4,
    peerAddress,
    peerPort: 179,
    peerAs: as(64512),
    localAs: as(64512),
    peerName: node,
    client: true,
    clusterId: '1.0.0.1',
    sourceAddress: address('10.0.0.1'),
    because: `BGPPeer/${node}-to-rr1`,
    ...changes,
  };
}

function reflector(name: string, peer: string, changes: Partial<SessionConfig> = {}): SessionConfig {
  const session = client(name, peer);
  return {
    ...session,
    name: session.name.replace('Node_', 'Mesh_'),
    kind: 'reflector',
    client: false,
    clusterId: null,
    because: `RouteReflector/${name}`,
    ...changes,
  };
}

function speaker(sessions: readonly SessionConfig[], changes: Partial<SpeakerConfig> = {}): SpeakerConfig {
  return {
    speaker: 'rr1',
    role: 'reflector',
    forwards: false,
    standalone: false,
    asNumber: as(64512),
    routerId: '10.0.0.1',
    ipv4: address('10.0.0.1'),
    ipv6: null,
    ipv4Network: null,
    clusterId: '1.0.0.1',
    group: 'default',
    listenPort: 179,
    logLevel: 'info',
    pools: [],
    serviceRanges: [],
    serviceRoutes: [],
    filters: [],
    prefixAdvertisements: [],
    ignoredInterfaces: [],
    blocks: [],
    customFilters: [],
    sessions: [...sessions].sort(byName),
    ...changes,
  };
}

/** Twelve clients of two reflectors each, three other reflectors. */
const clients = Array.from({ length: 12 }, (_, index) => client(`n${index + 1}`, `10.0.1.${index + 1}`));
const mesh = ['rr2', 'rr3', 'rr4'].map((name, index) => reflector(name, `10.0.0.${index + 2}`));
/** The same peers as of the node-to-node mesh. */
const nodeMesh = mesh.map((session): SessionConfig => ({ ...session, kind: 'mesh' }));
const usual = speaker([...clients, ...mesh]);

interface Case extends Partial<Omit<GuardInput, 'approved' | 'proposed' | 'approvals'>> {
  readonly before?: SpeakerConfig;
  readonly after: SpeakerConfig;
  /** Other reflectors of every node, before and after. */
  readonly others?: readonly [number, number];
  readonly approvals?: readonly string[];
  readonly deleted?: readonly string[];
  readonly wasAccepting?: 'any' | 'pools';
}

function judged(given: Case): Judgement {
  const {
    before = usual,
    after,
    others = [1, 1],
    approvals = [],
    deleted = [],
    wasAccepting,
    ...rest
  } = given;
  return judge({
    approved: {
      config: before,
      otherReflectors: new Map(clients.map((session) => [nodeFamily(session.peerName ?? '', 4), others[0]])),
      acceptPrefixes: wasAccepting ?? 'any',
    },
    proposed: after,
    settings: { minReflectors: 2, maxSessionLossPercent: 25 },
    otherReflectors: () => others[1],
    nodeExists: (node) => !deleted.includes(node),
    established: () => true,
    recentlyTaken: new Set(),
    newPasswords: new Map(),
    acceptPrefixes: 'any',
    lostRoutes: [],
    held: [],
    approvals: new Set(approvals),
    ownLoss: new Set(),
    changed: [],
    now: '2026-01-01T00:00:00.000Z',
    ...rest,
  });
}

function byName(one: SessionConfig, other: SessionConfig): number {
  return one.name < other.name ? -1 : 1;
}

function without(...nodes: readonly string[]): SpeakerConfig {
  return speaker(usual.sessions.filter((session) => !nodes.includes(session.peerName ?? '')));
}

function changed(nodes: readonly string[], changes: Partial<SessionConfig>, base = usual): SpeakerConfig {
  return speaker(
    base.sessions.map((session) =>
      nodes.includes(session.peerName ?? '') ? { ...session, ...changes } : session,
    ),
  );
}

/** A plain node with these reflectors. */
function plainNode(reflectors: readonly string[]): SpeakerConfig {
  const sessions = reflectors.map((name) =>
    client(name, `10.0.0.${name.slice(2)}`, { client: false, clusterId: null }),
  );
  return speaker(sessions, { role: 'node', forwards: true, clusterId: null, group: null });
}

const names = (config: SpeakerConfig) => config.sessions.map((session) => session.name);
const rules = (verdict: Judgement): readonly GuardRule[] => verdict.held.flatMap((hold) => hold.rules);
const all = clients.map((session) => session.peerName ?? '');
const three = { others: [2, 2] as const };

const TABLE: readonly (readonly [string, Case, readonly GuardRule[]])[] = [
  ['the same state again', { after: usual }, []],
  ['a client more', { after: speaker([...usual.sessions, client('n13', '10.0.1.13')]) }, []],
  ['a node left with one reflector of two', { after: without('n1') }, ['min-reflectors']],
  ['a node left with none of one', { after: without('n1'), others: [0, 0] }, ['min-reflectors']],
  ['a node left with two of three', { after: without('n1'), ...three }, []],
  ['a node that had one and has another one now', { after: without('n1'), others: [0, 1] }, []],
  [
    'a node left with two of three where three are asked for',
    { after: without('n1'), ...three, settings: { minReflectors: 3, maxSessionLossPercent: 25 } },
    ['min-reflectors'],
  ],
  [
    'a node left with one where one is enough',
    { after: without('n1'), settings: { minReflectors: 1, maxSessionLossPercent: 25 } },
    [],
  ],
  ['a deleted Node', { after: without('n1'), others: [1, 0], deleted: ['n1'] }, []],
  [
    'deleted Nodes that are more than a quarter of the sessions',
    { after: without('n1', 'n2', 'n3', 'n4'), others: [1, 0], deleted: ['n1', 'n2', 'n3', 'n4'] },
    ['session-loss'],
  ],
  [
    'a session that turns into eBGP, no client any more',
    { after: changed(['n1'], { client: false, peerAs: as(64999) }) },
    ['min-reflectors'],
  ],
  ['one restarted session', { after: changed(['n1'], { peerAs: as(64999), localAs: as(64999) }) }, []],
  [
    'a restart of more than a quarter',
    { after: changed(['n1', 'n2', 'n3', 'n4'], { holdTimeSeconds: 30 }) },
    ['session-loss'],
  ],
  ['a restart of a fifth', { after: changed(['n1', 'n2', 'n3'], { holdTimeSeconds: 30 }) }, []],
  [
    'a restart of more than a quarter where half is allowed',
    {
      after: changed(['n1', 'n2', 'n3', 'n4'], { holdTimeSeconds: 30 }),
      settings: { minReflectors: 2, maxSessionLossPercent: 50 },
    },
    [],
  ],
  [
    'a restart of sessions of which none is established',
    {
      after: changed(['n1', 'n2', 'n3', 'n4'], { holdTimeSeconds: 30 }),
      established: (name) => /_12$|Mesh/.test(name),
    },
    [],
  ],
  [
    'one session after three others within the window',
    {
      after: changed(['n4'], { holdTimeSeconds: 30 }),
      recentlyTaken: new Set(['Node_a', 'Node_b', 'Node_c', 'Node_d']),
    },
    ['session-loss'],
  ],
  [
    'a new filter on every session',
    { after: changed([...all, 'rr2', 'rr3', 'rr4'], { importPolicy: 'listed', maxPrefixes: 5 }) },
    [],
  ],
  [
    "another cluster ID: every client's session restarts",
    { after: changed(all, { clusterId: '1.0.0.9' }) },
    ['all-clients'],
  ],
  [
    'every client gone, established or not',
    { after: without(...all), ...three, established: () => false },
    ['all-clients'],
  ],
  [
    'all but one client gone, none of them established',
    { after: without(...all.slice(1)), ...three, established: () => false },
    [],
  ],
  ['every other reflector gone', { after: without('rr2', 'rr3', 'rr4') }, ['all-reflectors']],
  ['two of three other reflectors gone', { after: without('rr2', 'rr3') }, []],
  [
    'another router ID: every session restarts',
    { after: speaker(usual.sessions, { routerId: '10.9.9.9' }) },
    ['all-clients', 'all-reflectors'],
  ],
  [
    'a peer under another name: the session restarts',
    {
      after: speaker(
        usual.sessions.map((s) => (s.peerName === 'n1' ? { ...s, name: 'Global_10_0_1_1' } : s)),
      ),
    },
    [],
  ],
  [
    'four peers under other names',
    {
      after: speaker(
        usual.sessions.map((s) =>
          /n[1-4]$/.test(s.peerName ?? '') ? { ...s, name: s.name.replace('Node', 'Global') } : s,
        ),
      ),
    },
    ['session-loss'],
  ],
  [
    'a new password for more than a quarter',
    { after: usual, newPasswords: new Map(clients.slice(0, 4).map((session) => [session.name, 'x'])) },
    ['session-loss'],
  ],
  [
    'a node that goes from the mesh to one reflector',
    {
      before: speaker(nodeMesh, { role: 'node', forwards: true }),
      after: speaker([reflector('rr9', '10.0.0.9')], { role: 'node', forwards: true }),
    },
    [],
  ],
  [
    'a node left with no session',
    {
      before: speaker(nodeMesh, { role: 'node', forwards: true }),
      after: speaker([], { role: 'node', forwards: true }),
    },
    ['last-session'],
  ],
  ...(
    [
      ['a node left with one reflector of two', ['rr1'], {}, ['min-reflectors']],
      [
        'a node left with one reflector of two while the other was down',
        ['rr1'],
        { established: () => false },
        [],
      ],
      ['a node that gets another reflector for one that goes', ['rr1', 'rr9'], {}, []],
      ['a node left with no reflector', [], {}, ['last-session', 'min-reflectors']],
    ] as const
  ).map(([what, after, more, expected]): (typeof TABLE)[number] => [
    what,
    { before: plainNode(['rr1', 'rr2']), after: plainNode(after), ...more },
    expected,
  ]),
  [
    'a node that loses its reflectors and is in the mesh',
    {
      before: plainNode(['rr1', 'rr2']),
      after: speaker(nodeMesh, { role: 'node', forwards: true }),
    },
    [],
  ],
  [
    'the only other reflecting node gone',
    {
      before: speaker([...clients, reflector('r2', '10.0.0.2', { kind: 'node' })], { group: null }),
      after: speaker(clients, { group: null }),
    },
    ['all-reflectors'],
  ],
  [
    'sessions of the mesh that a reflector had when it was a plain node',
    { before: speaker([...clients, ...nodeMesh]), after: speaker(clients) },
    [],
  ],
  [
    'an only peer of another AS gone',
    {
      before: speaker([...clients, reflector('tor', '10.0.0.2', { kind: 'node', peerAs: as(64999) })]),
      after: speaker(clients),
    },
    [],
  ],
  [
    'bounds that drop no route',
    { after: speaker(usual.sessions, { pools: [pool('10.1.0.0/16')] }), acceptPrefixes: 'pools' },
    [],
  ],
  [
    'bounds that drop a route',
    {
      after: usual,
      acceptPrefixes: 'pools',
      lostRoutes: [{ session: 'Node_10_0_1_1', prefix: '10.9.0.0/26' }],
    },
    ['narrower-bounds'],
  ],
];

for (const [what, given, expected] of TABLE) {
  test(`${what}: ${expected.length === 0 ? 'goes through' : `held by ${expected.join(' and ')}`}`, () => {
    const verdict = judged(given);
    assert.deepEqual(rules(verdict), expected);
    if (expected.length === 0) assert.equal(verdict.config, given.after);
  });
}

test('what is held keeps its old session, what is harmless in the same change goes through', () => {
  const added = client('n13', '10.0.1.13');
  const after = speaker([...without('n1').sessions, added]);
  const verdict = judged({ after, changed: ['BGPPeer/n1-to-rr1', 'Node/n13'] });
  assert.deepEqual(names(verdict.config), names(speaker([...usual.sessions, added])));
  assert.equal(
    verdict.config.sessions.find((session) => session.peerName === 'n1'),
    clients[0],
  );
  const [hold] = verdict.held;
  assert.deepEqual(
    hold?.sessions.map((session) => session.name),
    ['Node_10_0_1_1'],
  );
  assert.ok(hold?.resources.includes('BGPPeer/n1-to-rr1'));
  assert.match(hold?.reasons[0] ?? '', /n1 \(IPv4: 2 now, 1 after\)/);
  assert.match(hold?.id ?? '', /^[0-9a-f]{8}$/);
});

test('a peer that would come back under another name is not there twice while it is held', () => {
  const renamed = usual.sessions.map((session) => ({
    ...session,
    name: session.name.replace('Node_', 'Global_'),
  }));
  const verdict = judged({ after: speaker(renamed) });
  assert.deepEqual(rules(verdict), ['all-clients']);
  assert.deepEqual(names(verdict.config), names(usual));
});

test('the same change has the same ID whenever it is judged, another has another', () => {
  const first = judged({ after: without('n1') });
  const later = judged({ after: without('n1'), now: '2026-02-02T00:00:00.000Z' });
  const other = judged({ after: without('n2') });
  assert.equal(first.held[0]?.id, later.held[0]?.id);
  assert.notEqual(first.held[0]?.id, other.held[0]?.id);
});

test('a hold stays as it is while the change stands, and other changes get their own', () => {
  const first = judged({ after: without('n1') });
  const second = judged({ after: without('n1', 'n2'), held: first.held, now: '2026-02-02T00:00:00.000Z' });
  assert.deepEqual(second.held[0], first.held[0]);
  assert.deepEqual(
    second.held[1]?.sessions.map((session) => session.peerName),
    ['n2'],
  );
});

test('a change taken back clears its hold', () => {
  const first = judged({ after: without('n1') });
  const verdict = judged({ after: usual, held: first.held });
  assert.deepEqual(verdict.held, []);
  assert.equal(verdict.config, usual);
});

test('a hold for a node that has enough other reflectors by now goes through', () => {
  const first = judged({ after: without('n1') });
  const verdict = judged({ after: without('n1'), held: first.held, others: [1, 2] });
  assert.deepEqual(verdict.held, []);
});

test('a hold for too many sessions does not end because the window has passed', () => {
  const after = changed(['n4'], { holdTimeSeconds: 30 });
  const first = judged({ after, recentlyTaken: new Set(['a', 'b', 'c', 'd', 'e']) });
  assert.deepEqual(rules(first), ['session-loss']);
  const verdict = judged({ after, held: first.held });
  assert.deepEqual(verdict.held, first.held);
});

test('a hold of which a part is taken back is judged anew, and may be harmless now', () => {
  const first = judged({ after: changed(['n1', 'n2', 'n3', 'n4'], { holdTimeSeconds: 30 }) });
  const verdict = judged({ after: changed(['n4'], { holdTimeSeconds: 30 }), held: first.held });
  assert.deepEqual(verdict.held, []);
});

test('approving an ID lets that change through and no other', () => {
  const first = judged({ after: without('n1') });
  const both = judged({ after: without('n1', 'n2'), held: first.held });
  const verdict = judged({
    after: without('n1', 'n2'),
    held: both.held,
    approvals: [both.held[0]?.id ?? ''],
  });
  assert.deepEqual(
    verdict.held.map((hold) => hold.id),
    [both.held[1]?.id],
  );
  assert.deepEqual(names(verdict.config), names(without('n1')));
});

test('an approval that was noted before a crash still counts when the change is judged anew', () => {
  const first = judged({ after: without('n1') });
  const verdict = judged({ after: without('n1'), approvals: [first.held[0]?.id ?? ''] });
  assert.deepEqual(verdict.held, []);
});

test('an approval is for what was held, not for what became of it', () => {
  const first = judged({ after: changed(all, { clusterId: '1.0.0.9' }) });
  const verdict = judged({
    after: changed(all, { clusterId: '1.0.0.8' }),
    held: first.held,
    approvals: [first.held[0]?.id ?? ''],
  });
  assert.deepEqual(rules(verdict), ['all-clients']);
});

test('approved losses do not count for the window, others do', () => {
  const first = judged({ after: without('n1') });
  const approved = judged({ after: without('n1'), held: first.held, approvals: [first.held[0]?.id ?? ''] });
  assert.deepEqual(approved.taken, []);
  assert.deepEqual(judged({ after: without('n1'), ...three }).taken, ['Node_10_0_1_1']);
});

test('the approval of a lost entry lets through what follows from the loss, and no other held change', () => {
  const first = judged({ after: without('n1') });
  const ownLoss = new Set(mesh.map((session) => session.name));
  const after = speaker(without('n1', 'rr2', 'rr3', 'rr4').sessions, { standalone: true });
  const verdict = judged({ after, ownLoss, held: first.held });
  assert.deepEqual(
    verdict.held.map((hold) => hold.id),
    first.held.map((hold) => hold.id),
  );
  assert.deepEqual(verdict.config.sessions, clients.toSorted(byName));
});

test('of many changed resources those that ask for the held sessions are named first', () => {
  const changed = Array.from({ length: 30 }, (_, index) => `Node/x${index}` as const);
  const verdict = judged({ after: without('n1'), changed: [...changed, 'BGPPeer/n1-to-rr1'] });
  assert.equal(verdict.held[0]?.resources[0], 'BGPPeer/n1-to-rr1');
  assert.equal(verdict.held[0]?.resources.length, 20);
});

test('a held password keeps the old one', () => {
  const newPasswords = new Map(clients.slice(0, 4).map((session) => [session.name, 'x']));
  const verdict = judged({ after: usual, newPasswords });
  assert.equal(verdict.oldPasswords.size, 4);
});

test('held bounds are the old and the new ones together', () => {
  const before = speaker(usual.sessions, { pools: [pool('10.1.0.0/16')] });
  const after = speaker(usual.sessions, { pools: [pool('10.2.0.0/16')] });
  const lostRoutes = [{ session: 'Node_10_0_1_1', prefix: '10.1.0.0/26' }];
  const given: Case = { before, after, lostRoutes, acceptPrefixes: 'pools', wasAccepting: 'pools' };
  const verdict = judged(given);
  assert.deepEqual(
    verdict.config.pools.map((entry) => entry.cidr),
    ['10.1.0.0/16', '10.2.0.0/16'],
  );
  assert.deepEqual(verdict.held[0]?.routes, lostRoutes);
  const approved = judged({ ...given, held: verdict.held, approvals: [verdict.held[0]?.id ?? ''] });
  assert.deepEqual(
    approved.config.pools.map((entry) => entry.cidr),
    ['10.2.0.0/16'],
  );
});

test('a first bound that is held lets everything in as before', () => {
  const lostRoutes = [{ session: 'Node_10_0_1_1', prefix: '10.1.0.0/26' }];
  const verdict = judged({ after: usual, lostRoutes, acceptPrefixes: 'pools' });
  assert.deepEqual(verdict.config.serviceRanges, ['0.0.0.0/0', '::/0']);
  assert.equal(verdict.acceptPrefixes, 'any');
});

test('bounds count as narrower when a pool, a range or a listed prefix goes, or when the first bound comes', () => {
  const basis = (config: SpeakerConfig, acceptPrefixes: 'any' | 'pools' = 'pools') => ({
    config,
    acceptPrefixes,
    otherReflectors: new Map(),
  });
  const one = speaker(usual.sessions, { pools: [pool('10.1.0.0/16')] });
  const two = speaker(usual.sessions, { pools: [pool('10.1.0.0/16'), pool('10.2.0.0/16')] });
  assert.equal(boundsNarrower(basis(two), one, 'pools'), true);
  assert.equal(boundsNarrower(basis(one), two, 'pools'), false);
  assert.equal(boundsNarrower(basis(two), one, 'any'), false);
  assert.equal(boundsNarrower(basis(two, 'any'), two, 'pools'), true);
  const listed = changed(['n1'], { importPolicy: 'listed', importFilters: [pool('10.1.0.0/16').cidr] });
  const fewer = changed(['n1'], { importPolicy: 'listed', importFilters: [] });
  assert.equal(boundsNarrower(basis(usual), listed, 'any'), true);
  assert.equal(boundsNarrower(basis(listed), fewer, 'any'), true);
  assert.equal(boundsNarrower(basis(fewer), listed, 'any'), false);
});
