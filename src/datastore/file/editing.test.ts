import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS, type Resource } from '../../model/resource.ts';
import { type FileItem, readDocuments } from './documents.ts';
import { withAdded, withRemoved, withReplaced } from './editing.ts';

const TEXT = `# The first one   (spacing is ours)
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name:   n1}
---
# second
apiVersion: projectcalico.org/v3
kind: Node
metadata:
  name: n2
  labels:
    rack: 7 # by the door
spec:
  bgp:
    # the loopback
    ipv4Address: 10.0.0.2/24
    asNumber: 64512 # shared
---
- {apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: n3}}
- {apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: n4}} # last
`;

function node(name: string, spec: Resource['spec'] = {}): Resource {
  return { apiVersion: KINDS.Node, kind: 'Node', metadata: { name }, spec };
}

function item(text: string, name: string): FileItem {
  const found = readDocuments('a.yaml', text).items.find((one) => one.name === name);
  assert.ok(found, `${name} is not in:\n${text}`);
  return found;
}

function namesIn(text: string): string[] {
  const { items, faults } = readDocuments('a.yaml', text);
  assert.deepEqual(faults, []);
  return items.map((one) => one.name);
}

test('what is added stands at the end; the rest is untouched', () => {
  const after = withAdded(TEXT, node('n5'), 'yaml');
  assert.ok(after.startsWith(TEXT));
  assert.deepEqual(namesIn(after), ['n1', 'n2', 'n3', 'n4', 'n5']);
  assert.match(after, /---\napiVersion: projectcalico.org\/v3\nkind: Node\nmetadata:\n {2}name: n5\n/);
  assert.deepEqual(namesIn(withAdded('', node('n5'), 'yaml')), ['n5']);
  assert.deepEqual(namesIn(withAdded(TEXT.trimEnd(), node('n5'), 'yaml')), ['n1', 'n2', 'n3', 'n4', 'n5']);
});

test('a changed value changes its line; comments and other documents stay', () => {
  const found = item(TEXT, 'n2');
  assert.ok(found.content.is === 'resource');
  const { resource } = found.content;
  const wanted = { ...resource, spec: { bgp: { ipv4Address: '10.0.0.9/24', asNumber: 64512 } } };
  const after = withReplaced(TEXT, found, wanted, 'yaml');
  const lines = (text: string): string[] => text.split('\n');
  const changed = lines(after).filter((line) => !lines(TEXT).includes(line));
  assert.deepEqual(changed, ['    ipv4Address: 10.0.0.9/24']);
  assert.equal(lines(after).length, lines(TEXT).length);
});

test('a field that is not wanted any more goes, a new one comes', () => {
  const found = item(TEXT, 'n2');
  const wanted = { ...node('n2', { bgp: { ipv6Address: 'fd00::2/64', asNumber: 64512 } }) };
  const after = withReplaced(TEXT, found, wanted, 'yaml');
  const now = item(after, 'n2');
  assert.ok(now.content.is === 'resource');
  assert.deepEqual(now.content.resource.spec, { bgp: { ipv6Address: 'fd00::2/64', asNumber: 64512 } });
  assert.equal(now.content.resource.metadata.labels, undefined);
  assert.deepEqual(namesIn(after), ['n1', 'n2', 'n3', 'n4']);
});

test('what is removed goes alone, out of documents and out of lists', () => {
  assert.deepEqual(namesIn(withRemoved(TEXT, item(TEXT, 'n1'), 'yaml')), ['n2', 'n3', 'n4']);
  assert.deepEqual(namesIn(withRemoved(TEXT, item(TEXT, 'n2'), 'yaml')), ['n1', 'n3', 'n4']);
  assert.deepEqual(namesIn(withRemoved(TEXT, item(TEXT, 'n3'), 'yaml')), ['n1', 'n2', 'n4']);
  assert.deepEqual(namesIn(withRemoved(TEXT, item(TEXT, 'n4'), 'yaml')), ['n1', 'n2', 'n3']);
  const kept = withRemoved(TEXT, item(TEXT, 'n2'), 'yaml');
  assert.ok(kept.startsWith('# The first one   (spacing is ours)\n'));
  assert.ok(kept.includes('metadata: {name:   n1}'));
});

test('JSON stays JSON, whether it holds one resource, a list or an array', () => {
  let text = withAdded('', node('n1'), 'json');
  text = withAdded(text, node('n2'), 'json');
  text = withAdded(text, node('n3'), 'json');
  assert.deepEqual(namesIn(text), ['n1', 'n2', 'n3']);
  text = withReplaced(text, item(text, 'n2'), node('n2', { a: 1 }), 'json');
  assert.deepEqual(JSON.parse(text).items[1].spec, { a: 1 });
  text = withRemoved(text, item(text, 'n1'), 'json');
  assert.deepEqual(namesIn(text), ['n2', 'n3']);
  assert.deepEqual(namesIn(withAdded('[]', node('n1'), 'json')), ['n1']);
});
