import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileContent, readDocuments } from './documents.ts';

const HEAD = 'apiVersion: projectcalico.org/v3\n';

function names({ items }: FileContent): string[] {
  return items.map((item) => `${item.kind}/${item.name} ${item.place.line}:${item.place.column}`);
}

test('several documents, lists and arrays are all taken, each with its place', () => {
  const text = `# nodes
${HEAD}kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: List
items:
- ${HEAD.trim()}
  kind: BGPPeer
  metadata: {name: p1}
- apiVersion: projectcalico.org/v3
  kind: NodeList
  items:
  - {apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: n2}}
---
---
- {apiVersion: calico-rr.io/v1, kind: RouteReflector, metadata: {name: rr1}}
`;
  const content = readDocuments('a.yaml', text);
  assert.deepEqual(content.faults, []);
  assert.deepEqual(names(content), [
    'Node/n1 2:1',
    'BGPPeer/p1 9:3',
    'Node/n2 15:5',
    'RouteReflector/rr1 18:3',
  ]);
});

test('JSON is read as well', () => {
  const text = JSON.stringify(
    [{ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name: 'n1' } }],
    null,
    2,
  );
  assert.deepEqual(names(readDocuments('a.json', text)), ['Node/n1 2:3']);
});

test('an empty file and one of comments hold nothing', () => {
  for (const text of ['', '\n', '# nothing\n', '---\n', '---\n# nothing\n---\n'])
    assert.deepEqual(readDocuments('a.yaml', text), { items: [], faults: [] });
});

test('label values are text, whatever YAML makes of them', () => {
  const text = `${HEAD}kind: Node
metadata:
  name: n1
  labels: {reflector: true, rack: 0123, size: 1e3, plain: x, quoted: "7", empty: ''}
  annotations: {a: 1.50}
`;
  const [item] = readDocuments('a.yaml', text).items;
  assert.ok(item?.content.is === 'resource');
  const { labels, annotations } = item.content.resource.metadata;
  assert.deepEqual(labels, {
    reflector: 'true',
    rack: '0123',
    size: '1e3',
    plain: 'x',
    quoted: '7',
    empty: '',
  });
  assert.deepEqual(annotations, { a: '1.50' });
});

test('a dotted AS number keeps its digits', () => {
  const text = `${HEAD}kind: BGPPeer\nmetadata: {name: p}\nspec: {asNumber: 1.10, localASNumber: 64512}\n`;
  const [item] = readDocuments('a.yaml', text).items;
  assert.ok(item?.content.is === 'resource');
  assert.deepEqual(item.content.resource.spec, { asNumber: '1.10', localASNumber: 64512 });
});

/** What is wrong, and what the fault must say and where. */
const FAULTS: readonly [title: string, text: string, place: string, message: RegExp][] = [
  [
    'a selector without quotes',
    `${HEAD}kind: BGPPeer\nmetadata: {name: p}\nspec:\n  nodeSelector: !has(rr)\n`,
    'a.yaml:5:17',
    /!has\(rr\) without quotes is a YAML tag/,
  ],
  ['broken syntax', `${HEAD}kind: [Node\nmetadata: {}\n`, 'a.yaml:3:1', /./],
  ['a key given twice', `${HEAD}kind: Node\nkind: Node\n`, 'a.yaml:3:1', /twice/],
  [
    'an unknown kind',
    `${HEAD}kind: BGPeer\nmetadata: {name: p}\n`,
    'a.yaml:1:1',
    /BGPeer is not known.*Node, BGPPeer/,
  ],
  ['no kind', `${HEAD}metadata: {name: p}\n`, 'a.yaml:1:1', /kind is missing/],
  [
    'the API version of another',
    'apiVersion: calico-rr.io/v1\nkind: Node\nmetadata: {name: n}\n',
    'a.yaml:1:1',
    /it is projectcalico\.org\/v3/,
  ],
  [
    'an old peer without its address',
    'apiVersion: v1\nkind: bgpPeer\nmetadata: {scope: global}\n',
    'a.yaml:1:1',
    /metadata\.peerIP is missing/,
  ],
  [
    "an old document of a kind that is none of BGP's",
    'apiVersion: v1\nkind: profile\nmetadata: {name: p}\n',
    'a.yaml:1:1',
    /says nothing about BGP/,
  ],
  ['no name', `---\n${HEAD}kind: Node\nmetadata: {naem: n}\n`, 'a.yaml:2:1', /no metadata\.name/],
  ['a name with a slash', `${HEAD}kind: Node\nmetadata: {name: a/b}\n`, 'a.yaml:1:1', /is no name/],
  ['text where a resource belongs', 'hello\n', 'a.yaml:1:1', /no kind/],
];

for (const [title, text, place, message] of FAULTS)
  test(`a file has a fault: ${title}`, () => {
    const { items, faults } = readDocuments('a.yaml', text);
    assert.deepEqual(items, []);
    assert.equal(faults[0]?.subject, place);
    assert.match(faults[0]?.message ?? '', message);
  });

test('a document whose name is known but not its content is broken by itself', () => {
  const text = `${HEAD}kind: Node\nmetadata: {name: n1}\nspec: text\n---\n${HEAD}kind: Node\nmetadata: {name: n2}\n`;
  const { items, faults } = readDocuments('a.yaml', text);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    items.map(({ name, content }) => [name, content.is]),
    [
      ['n1', 'broken'],
      ['n2', 'resource'],
    ],
  );
  const [first] = items;
  assert.ok(first?.content.is === 'broken');
  assert.equal(first.content.broken.problem.message, 'a.yaml:1:1: spec is no object.');
});

test('the version of a resource is its content', () => {
  const version = (spec: string): string | undefined => {
    const [item] = readDocuments('a.yaml', `${HEAD}kind: Node\nmetadata: {name: n}\nspec: ${spec}\n`).items;
    return item?.content.is === 'resource' ? item.content.resource.metadata.resourceVersion : undefined;
  };
  assert.equal(version('{a: 1}'), version('{ "a": 1 } # same'));
  assert.notEqual(version('{a: 1}'), version('{a: 2}'));
});

test('documents of Calico v2 are read as what they are today', () => {
  const text = `apiVersion: v1
kind: bgpPeer
metadata: {scope: node, node: W3, peerIP: 10.0.0.250}
spec: {asNumber: 1.10}
---
- {apiVersion: v1, kind: node, metadata: {name: w3}, spec: {bgp: {ipv4Address: 10.0.0.3/24}}}
- {apiVersion: v1, kind: ipPool, metadata: {cidr: 10.5.0.0/16}, spec: {ipip: {enabled: yes}}}
`;
  const { items, faults } = readDocuments('a.yaml', text);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    items.map(({ content }) =>
      content.is === 'resource' ? [content.resource.kind, content.resource.spec] : content.broken,
    ),
    [
      ['BGPPeer', { node: 'w3', peerIP: '10.0.0.250', asNumber: '1.10' }],
      ['Node', { bgp: { ipv4Address: '10.0.0.3/24' } }],
      ['IPPool', { cidr: '10.5.0.0/16', ipipMode: 'Always' }],
    ],
  );
});

test('an old document with something that has no home today is broken by itself', () => {
  const text =
    'apiVersion: v1\nkind: bgpPeer\nmetadata: {scope: global, node: w3, peerIP: 10.0.0.1}\nspec: {asNumber: 1}\n';
  const [item] = readDocuments('a.yaml', text).items;
  assert.ok(item?.content.is === 'broken');
  assert.match(item.content.broken.problem.message, /a\.yaml:1:1: metadata\.node stands beside scope global/);
});

test('fields that are true or false may say yes and off, as calicoctl reads them; text stays text', () => {
  const text = `${HEAD}kind: BGPConfiguration\nmetadata: {name: default}\nspec: {nodeToNodeMeshEnabled: off, note: off, disabled: "no"}\n`;
  const [item] = readDocuments('a.yaml', text).items;
  assert.ok(item?.content.is === 'resource');
  assert.deepEqual(item.content.resource.spec, { nodeToNodeMeshEnabled: false, note: 'off', disabled: 'no' });
});
