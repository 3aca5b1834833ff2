import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broken, Listing } from '../model/change.ts';
import { KINDS, type Kind, type Resource } from '../model/resource.ts';
import { trackYielded } from './difference.ts';

function resource(kind: Kind, name: string, version?: string, spec: Resource['spec'] = {}): Resource {
  const metadata = version === undefined ? { name } : { name, resourceVersion: version };
  return { apiVersion: KINDS[kind], kind, metadata, spec };
}

function broken(kind: Kind, name: string, message = 'is no JSON'): Broken {
  return {
    kind,
    name,
    problem: { code: 'bad-json', severity: 'error', subject: `${kind}/${name}`, message },
  };
}

function listing(resources: readonly Resource[], brokenOnes: readonly Broken[] = []): Listing {
  return { resources, broken: brokenOnes, warnings: [] };
}

test('the first listing is all puts, by kind and then by name', () => {
  const yielded = trackYielded();
  const changes = yielded.moveTo(
    listing([resource('BGPPeer', 'b'), resource('Node', 'z'), resource('Node', 'a')], [broken('Node', 'm')]),
  );
  assert.deepEqual(
    changes.map((change) => (change.op === 'put' ? change.resource.metadata.name : change.op)),
    ['a', 'broken', 'z', 'b'],
  );
});

test('the same listing again differs in nothing', () => {
  const yielded = trackYielded();
  const all = listing([resource('Node', 'a', '1')], [broken('Node', 'b')]);
  yielded.moveTo(all);
  assert.deepEqual(yielded.moveTo(structuredClone(all)), []);
});

test('a newer version is a put, what is missing is a deletion, what is new is a put', () => {
  const yielded = trackYielded();
  yielded.moveTo(
    listing([resource('Node', 'a', '1'), resource('Node', 'b', '2'), resource('Node', 'c', '3')]),
  );
  const changes = yielded.moveTo(
    listing([resource('Node', 'a', '1'), resource('Node', 'b', '9'), resource('Node', 'd', '8')]),
  );
  assert.deepEqual(changes, [
    { op: 'put', resource: resource('Node', 'b', '9') },
    { op: 'delete', kind: 'Node', name: 'c' },
    { op: 'put', resource: resource('Node', 'd', '8') },
  ]);
});

test('a restored datastore that gives an old version number to new content is noticed', () => {
  const yielded = trackYielded();
  yielded.moveTo(listing([resource('Node', 'a', '7', { x: 1 })]));
  assert.equal(yielded.moveTo(listing([resource('Node', 'a', '7', { x: 2 })])).length, 1);
});

test('without versions the content decides, whatever the order of its fields', () => {
  const yielded = trackYielded();
  yielded.moveTo(listing([resource('Node', 'a', undefined, { x: 1, y: [1] })]));
  assert.deepEqual(yielded.moveTo(listing([resource('Node', 'a', undefined, { y: [1], x: 1 })])), []);
  assert.equal(yielded.moveTo(listing([resource('Node', 'a', undefined, { y: [2], x: 1 })])).length, 1);
});

test('a whole resource that broke is told as broken, and once', () => {
  const yielded = trackYielded();
  yielded.moveTo(listing([resource('Node', 'a', '1')]));
  const bad = broken('Node', 'a');
  assert.deepEqual(yielded.accept({ op: 'broken', broken: bad }), { op: 'broken', broken: bad });
  assert.equal(yielded.accept({ op: 'broken', broken: { ...bad } }), undefined);
  assert.equal(yielded.resource('Node', 'a'), undefined);
  assert.equal(yielded.has('Node', 'a'), true);
});

test('a broken value that is gone is a deletion, one that is mended is a put', () => {
  const yielded = trackYielded();
  yielded.moveTo(listing([], [broken('Node', 'a'), broken('Node', 'b')]));
  assert.deepEqual(yielded.moveTo(listing([resource('Node', 'b', '4')])), [
    { op: 'delete', kind: 'Node', name: 'a' },
    { op: 'put', resource: resource('Node', 'b', '4') },
  ]);
});

test('deleting what was never told is no news', () => {
  assert.equal(trackYielded().accept({ op: 'delete', kind: 'Node', name: 'a' }), undefined);
});

test('a name that is both whole and broken counts as whole', () => {
  const yielded = trackYielded();
  const changes = yielded.moveTo(listing([resource('Node', 'a', '1')], [broken('Node', 'a')]));
  assert.deepEqual(changes, [{ op: 'put', resource: resource('Node', 'a', '1') }]);
});

test('a listing of one kind leaves the others as they are', () => {
  const yielded = trackYielded();
  yielded.moveTo(listing([resource('Node', 'a', '1'), resource('BGPPeer', 'p', '1')]));
  assert.deepEqual(yielded.moveTo(listing([]), ['BGPPeer']), [{ op: 'delete', kind: 'BGPPeer', name: 'p' }]);
  assert.equal(yielded.has('Node', 'a'), true);
});
