import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import { readRouteReflector } from '../model/route-reflector.ts';
import { createTopology } from '../topology/topology.ts';
import { createAtomicFile } from './atomic-file.ts';
import { type ApprovedState, createStateWriter, type HeldState, readSavedState } from './saved-state.ts';
import { instanceFolder, openStateDir } from './state-dir.ts';
import { lockStateDir } from './state-lock.ts';

function temporary(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'crr-state-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A state as the topology makes it, so that a field that is not kept on disk shows here. */
function approvedState(): ApprovedState {
  const topology = createTopology();
  const resources = [
    {
      apiVersion: 'calico-rr.io/v1',
      kind: 'RouteReflector' as const,
      metadata: { name: 'rr1', labels: { rack: '1' } },
      spec: {
        ipv4: '10.0.0.1',
        clusterID: '1.0.0.1',
        peers: [{ ip: '10.9.0.1', asNumber: 65001, import: ['10.0.0.0/8'], passwordRef: 'edge' }],
      },
    },
    {
      apiVersion: 'projectcalico.org/v3',
      kind: 'Node' as const,
      metadata: { name: 'n1' },
      spec: { bgp: { ipv4Address: '10.0.1.1/24' } },
    },
    {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer' as const,
      metadata: { name: 'n1-rr1' },
      spec: { node: 'n1', peerIP: '10.0.0.1', asNumber: 64512 },
    },
    {
      apiVersion: 'projectcalico.org/v3',
      kind: 'IPPool' as const,
      metadata: { name: 'pool' },
      spec: { cidr: '10.65.0.0/16' },
    },
  ];
  topology.load({ resources, broken: [], warnings: [] });
  const view = topology.speaker({ name: 'rr1', ipv4: null, ipv6: null, listenPort: null });
  return {
    approvedAt: '2026-01-01T00:00:00.000Z',
    standing: 'entry',
    acceptPrefixes: 'any',
    config: view.config(),
    otherReflectors: { 'n1 4': 1 },
    ownResources: resources.slice(0, 1),
    taken: [{ session: 'Node_10_0_1_9', at: '2026-01-01T00:00:00.000Z' }],
  };
}

const heldState: HeldState = {
  held: [
    {
      id: 'abcd1234',
      since: '2026-01-01T00:00:00.000Z',
      rules: ['min-reflectors'],
      reasons: ['n1 would be alone'],
      sessions: [],
      routes: [{ session: 'Node_10_0_1_1', prefix: '10.65.0.0/26' }],
      resources: ['BGPPeer/n1-rr1'],
    },
  ],
  approvals: ['abcd1234'],
};

test('what was approved and held is read back as it was written', async () => {
  using folder = temporary();
  const approved = approvedState();
  assert.equal(approved.config.sessions.length, 2);
  const writer = createStateWriter(folder.path);
  await writer.writeApproved(approved);
  await writer.writeHeld(heldState);
  const read = readSavedState(folder.path);
  assert.deepEqual(read.approved, JSON.parse(JSON.stringify({ format: 1, ...approved })));
  assert.deepEqual(read.held, { format: 1, ...heldState });
  assert.deepEqual(read.complaints, []);
  assert.equal(statSync(join(folder.path, 'approved.json')).mode & 0o777, 0o600);
});

test('a password that stands in an own entry by mistake is not written down, and not forgotten to be there', async () => {
  using folder = temporary();
  const state = approvedState();
  const peers = [{ ip: '10.9.0.2', asNumber: 65001, password: 'hunter2' }];
  const ownResources = state.ownResources.map((one) => ({ ...one, spec: { ...one.spec, peers } }));
  const writer = createStateWriter(folder.path);
  await writer.writeApproved({ ...state, ownResources });
  assert.doesNotMatch(readFileSync(join(folder.path, 'approved.json'), 'utf8'), /hunter2/);
  const [restored] = readSavedState(folder.path).approved?.ownResources ?? [];
  assert.ok(restored !== undefined);
  const { value, problems } = readRouteReflector(restored);
  assert.deepEqual(value?.peers, []);
  assert.deepEqual(
    problems.map((problem) => problem.code),
    ['inline-password'],
  );
});

test('a node’s file of before single services were announced has its ranges for routes', () => {
  using folder = temporary();
  const state = approvedState();
  const { serviceRoutes: _unknown, ...config } = state.config;
  const ranges = { serviceRanges: ['10.96.0.0/12'], forwards: true };
  const text = JSON.stringify({ format: 1, ...state, config: { ...config, ...ranges } });
  writeFileSync(join(folder.path, 'approved.json'), text);
  assert.deepEqual(readSavedState(folder.path).approved?.config.serviceRoutes, ['10.96.0.0/12']);
});

test('an empty folder is no saved state, and nothing to complain of', () => {
  using folder = temporary();
  assert.deepEqual(readSavedState(folder.path), { approved: null, held: null, complaints: [] });
});

for (const [what, text] of [
  ['is cut off in the middle', '{"format":1,"approvedAt":'],
  ['is of a format that is not known', '{"format":99}'],
  [
    'holds an address that is none',
    JSON.stringify({ format: 1, ...approvedState() }).replace('10.0.1.1', '10.0.1.x'),
  ],
] as const) {
  test(`a file that ${what} is reported and moved aside, and the other one is still read`, async () => {
    using folder = temporary();
    await createStateWriter(folder.path).writeHeld(heldState);
    const path = join(folder.path, 'approved.json');
    writeFileSync(path, text);
    const read = readSavedState(folder.path);
    assert.equal(read.approved, null);
    assert.equal(read.held?.held.length, 1);
    assert.match(read.complaints[0] ?? '', /approved\.json cannot be read .*it is now .*\.unreadable/);
    assert.equal(existsSync(path), false);
    assert.equal(readFileSync(`${path}.unreadable`, 'utf8'), text);
  });
}

test('of several writes that wait only the newest is written, and none is half there', async () => {
  using folder = temporary();
  const path = join(folder.path, 'file');
  const file = createAtomicFile(path);
  await Promise.all([file.write('one'), file.write('two'), file.write('three')]);
  assert.equal(readFileSync(path, 'utf8'), 'three');
});

test('a write that fails says so and leaves the old text', async () => {
  using folder = temporary();
  const path = join(folder.path, 'gone', 'file');
  await assert.rejects(createAtomicFile(path).write('one'), /ENOENT/);
});

test('a state folder is made private, also one that was not', () => {
  using folder = temporary();
  const path = join(folder.path, 'deep', 'rr1');
  assert.equal(openStateDir({}, 'rr1', path).path, path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  chmodSync(path, 0o755);
  openStateDir({}, 'rr1', path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test('a folder that cannot be made is replaced by one that can, and what is lost is said', () => {
  using folder = temporary();
  writeFileSync(join(folder.path, 'file'), '');
  const runtime = join(folder.path, 'run');
  mkdirSync(runtime);
  const state = openStateDir({ XDG_RUNTIME_DIR: runtime }, 'rr1', join(folder.path, 'file', 'rr1'));
  assert.ok(state.path.startsWith(runtime));
  assert.match(state.lost ?? '', /cannot be written/);
});

test('a path too long for a UNIX socket is refused before anything fails on it', () => {
  using folder = temporary();
  assert.throws(
    () => openStateDir({}, 'rr1', join(folder.path, 'x'.repeat(100))),
    (error) =>
      error instanceof CalicoRrError && error.code === 'E_STATE_DIR' && /too long/.test(error.message),
  );
});

test('an instance name cannot lead out of the state root', () => {
  assert.doesNotMatch(instanceFolder('../../etc'), /\/|^\./);
  assert.equal(instanceFolder('fd00::1'), 'fd00::1');
});

test('a folder that a living agent uses is refused, one that a dead agent used is not', async () => {
  using folder = temporary();
  writeFileSync(join(folder.path, 'agent.lock'), '1 0');
  const lock = await lockStateDir(folder.path);
  await lock.release();
  assert.equal(existsSync(join(folder.path, 'agent.lock')), false);
  const started = readFileSync('/proc/1/stat', 'utf8').split(') ')[1]?.split(' ')[19];
  writeFileSync(join(folder.path, 'agent.lock'), `1 ${started}`);
  await assert.rejects(lockStateDir(folder.path), /another calico-rr \(process 1\)/);
});
