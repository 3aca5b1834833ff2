import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Change } from '../../model/change.ts';
import { createKeyspace } from './keyspace.ts';
import type { WatchedEvent } from './messages.ts';
import type { KeyValue } from './range-message.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/etcd-v3');
const RR4 = '/calico/bgp/v1/rr_v4/';
const RR6 = '/calico/bgp/v1/rr_v6/';

interface RecordedKey {
  readonly key: string;
  readonly value: string;
  readonly mod_revision: number;
}

const kvOf = ({ key, value, mod_revision }: RecordedKey): KeyValue => ({
  key,
  value,
  modRevision: String(mod_revision),
});

function recorded(): { kvs: KeyValue[]; events: WatchedEvent[] } {
  const after: { kvs: RecordedKey[] } = JSON.parse(
    readFileSync(join(fixtures, 'after-calicoctl-apply.json'), 'utf8'),
  );
  const lines = readFileSync(join(fixtures, 'watch.ndjson'), 'utf8').trim().split('\n');
  const events = lines.flatMap((line) => {
    const told: { events: (RecordedKey & { type: 'PUT' | 'DELETE' })[] } = JSON.parse(line);
    return told.events.map((event) => ({ type: event.type, kv: kvOf(event) }));
  });
  assert.ok(after.kvs.length > 10 && events.length === 5, 'the recorded data is empty');
  return { kvs: after.kvs.map(kvOf), events };
}

function put(key: string, value: string, revision: number): WatchedEvent {
  return { type: 'PUT', kv: { key, value, modRevision: String(revision) } };
}

function remove(key: string, revision: number): WatchedEvent {
  return { type: 'DELETE', kv: { key, value: '', modRevision: String(revision) } };
}

function say(changes: readonly Change[]): string[] {
  return changes.map((change) => {
    if (change.op === 'put') return `put ${change.resource.metadata.name}`;
    return change.op === 'broken' ? `broken ${change.broken.name}` : `delete ${change.name}`;
  });
}

test("the events of Calico's own client are told one for one", () => {
  const { kvs, events } = recorded();
  const keyspace = createKeyspace();
  assert.equal(keyspace.replace(kvs).changes.length, 11);
  const told = events.flatMap((event) => say(keyspace.apply([event]).changes));
  assert.deepEqual(told, [
    'put rr1',
    'put tor-global',
    'delete node2-v6',
    'delete node.node2',
    'delete node2',
  ]);
});

test('events told twice, as after a resumed watch, are told once', () => {
  const { kvs, events } = recorded();
  const keyspace = createKeyspace();
  keyspace.replace(kvs);
  keyspace.apply(events);
  assert.deepEqual(keyspace.apply(events.slice(2)).changes, []);
});

test('keys that are not ours are passed over', () => {
  const keyspace = createKeyspace();
  const root = '/calico/resources/v3/projectcalico.org';
  const strange = [
    '/calico/ipam/v2/handle/x',
    `${root}/nodes/`,
    `${root}/nodes/a/b`,
    `${root}/felixconfigurations/default`,
    RR4,
  ];
  assert.deepEqual(keyspace.apply(strange.map((key) => put(key, 'x', 5))).changes, []);
});

test('two halves of one name are one reflector, and the one that goes changes it', () => {
  const keyspace = createKeyspace();
  keyspace.replace([]);
  const four = put(`${RR4}10.0.0.9`, '{"ip":"10.0.0.9","cluster_id":"1.0.0.1","name":"rr1"}', 5);
  const six = put(`${RR6}fd00::9`, '{"ip":"fd00::9","cluster_id":"1.0.0.1","name":"rr1"}', 6);
  assert.deepEqual(say(keyspace.apply([four]).changes), ['put rr1']);
  const [joined] = keyspace.apply([six]).changes;
  assert.ok(joined?.op === 'put');
  assert.deepEqual(joined.resource.spec, { ipv4: '10.0.0.9', ipv6: 'fd00::9', clusterID: '1.0.0.1' });
  const [alone] = keyspace.apply([remove(six.kv.key, 7)]).changes;
  assert.ok(alone?.op === 'put');
  assert.deepEqual(alone.resource.spec, { ipv4: '10.0.0.9', clusterID: '1.0.0.1' });
  assert.deepEqual(say(keyspace.apply([remove(four.kv.key, 8)]).changes), ['delete rr1']);
});

test('a reflector whose entry breaks is broken under the name that it had', () => {
  const keyspace = createKeyspace();
  keyspace.replace([]);
  const key = `${RR4}10.0.0.9`;
  keyspace.apply([put(key, '{"ip":"10.0.0.9","name":"rr1"}', 5)]);
  assert.deepEqual(say(keyspace.apply([put(key, '{"ip"', 6)]).changes), ['broken rr1']);
  assert.deepEqual(say(keyspace.apply([put(key, '{"ip":"10.0.0.9","name":"rr1"}', 7)]).changes), ['put rr1']);
});

test('a warning about an entry is settled when the entry is mended or gone, also across a re-listing', () => {
  const keyspace = createKeyspace();
  keyspace.replace([]);
  const key = `${RR4}10.0.0.8`;
  const wrong = put(key, '{"ip":"10.0.0.9"}', 5);
  const subjects = (told: ReturnType<typeof keyspace.apply>) => told.warnings.map(({ subject }) => subject);
  assert.deepEqual(subjects(keyspace.apply([wrong])), [key]);
  assert.deepEqual(keyspace.apply([put(key, '{"ip":"10.0.0.8"}', 6)]).settled, [key]);
  assert.deepEqual(subjects(keyspace.replace([wrong.kv])), [key]);
  assert.deepEqual(keyspace.apply([remove(key, 8)]).settled, [key]);
  keyspace.apply([wrong]);
  assert.deepEqual(keyspace.replace([]).settled, [key]);
});
