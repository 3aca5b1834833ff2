/**
 * The CRDs and the model agree: what the schema lets in, calico-rr understands; what the schema refuses, calico-rr
 * would have set aside. The rules in CEL are evaluated by real API servers only, so that here just their presence is
 * held.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isJsonObject } from '../../src/model/json.ts';
import { isWhole } from '../../src/model/reading.ts';
import { type JsonObject, KINDS } from '../../src/model/resource.ts';
import { readRouteReflector } from '../../src/model/route-reflector.ts';
import { readCrds } from '../standin/kubernetes/served.ts';
import { checkSchema, prune } from '../standin/kubernetes/validation.ts';

const [REFLECTOR, STATUS] = readCrds();

function asReflector(spec: JsonObject) {
  return readRouteReflector({
    apiVersion: KINDS.RouteReflector,
    kind: 'RouteReflector',
    metadata: { name: 'rr1' },
    spec,
  });
}

function schema(): JsonObject {
  assert.ok(isJsonObject(REFLECTOR?.schema));
  return REFLECTOR.schema;
}

const base: JsonObject = { ipv4: '10.0.0.9' };
const peer = (fields: JsonObject): JsonObject => ({ ...base, peers: [{ ip: '192.0.2.1', ...fields }] });

const GOOD: readonly JsonObject[] = [
  base,
  { ipv6: 'fd00::9' },
  { ipv4: '10.0.0.9', ipv6: 'fd00::9', clusterID: '1.0.0.1', asNumber: 64512, group: 'west' },
  { ...base, asNumber: 4294967295 },
  { ...base, asNumber: '1.10' },
  { ...base, asNumber: '64512' },
  peer({ asNumber: 65001, port: 1179, passwordRef: 'tor', maxPrefixes: 100 }),
  peer({ import: ['10.0.0.0/8'], export: ['10.0.0.0/8', '192.168.0.0/16'] }),
];

const BAD: readonly JsonObject[] = [
  { ...base, ipv4: 'fd00::9' },
  { ...base, ipv6: '10.0.0.9' },
  { ipv4: 'reflector' },
  { ...base, clusterID: '1' },
  { ...base, asNumber: 0 },
  { ...base, asNumber: 4294967296 },
  { ...base, asNumber: -1 },
  { ...base, asNumber: 'sixty' },
  { ...base, asNumber: true },
  { ...base, group: 7 },
  { ...base, peers: [{ asNumber: 65001 }] },
  peer({ port: 0 }),
  peer({ port: 65536 }),
  peer({ asNumber: 0 }),
  peer({ maxPrefixes: 0 }),
];

for (const spec of GOOD)
  test(`let in and understood: ${JSON.stringify(spec)}`, () => {
    assert.deepEqual(checkSchema(schema(), { spec }, ''), []);
    const reading = asReflector(spec);
    assert.ok(isWhole(reading), JSON.stringify(reading.problems));
  });

for (const spec of BAD)
  test(`refused, and set aside where it stands: ${JSON.stringify(spec)}`, () => {
    assert.notDeepEqual(checkSchema(schema(), { spec }, ''), []);
    assert.equal(isWhole(asReflector(spec)), false);
  });

test('a password written into a peer never reaches the store', () => {
  const unknown: string[] = [];
  const kept = prune(schema(), { spec: peer({ password: 'secret' }) }, '', (path) => unknown.push(path));
  assert.deepEqual(kept, { spec: peer({}) });
  assert.deepEqual(unknown, ['spec.peers[0].password']);
});

test('an address is asked for, and the cluster ID 0.0.0.0 refused, in CEL', () => {
  const manifest = readFileSync(new URL('../../deploy/kubernetes/crd.yaml', import.meta.url), 'utf8');
  assert.match(manifest, /rule: has\(self\.ipv4\) \|\| has\(self\.ipv6\)/);
  assert.match(manifest, /rule: self != '0\.0\.0\.0'/);
  assert.equal(isWhole(asReflector({})), false);
  assert.equal(isWhole(asReflector({ ...base, clusterID: '0.0.0.0' })), false);
});

test('a report is kept as it is', () => {
  assert.ok(isJsonObject(STATUS?.schema));
  const report = { spec: { state: 'running', down: ['10.0.0.1'], anything: { else: 1 } } };
  assert.deepEqual(
    prune(STATUS.schema, report, '', (path) => assert.fail(path)),
    report,
  );
});
