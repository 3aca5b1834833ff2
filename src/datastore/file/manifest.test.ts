import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatPlace } from '../../model/errors.ts';
import { readManifest, readManifests, refuseErrors, showErrors } from './manifest.ts';

const STRICT = { strict: true };
const peer = (spec: string): string =>
  `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: p}\nspec:\n${spec}`;
const node = (spec: string): string =>
  `apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n}\nspec:\n${spec}`;

/** What is written, the place of its one error, and what that says. */
const FAULTS: readonly (readonly [title: string, text: string, place: string, says: RegExp])[] = [
  [
    'a misspelt field, at its name',
    peer('  peerIP: 10.0.0.1\n  asNumer: 1\n'),
    'a.yaml:6:3',
    /asNumer.*no meaning/,
  ],
  [
    'a wrong value, at the value',
    peer('  peerIP: 10.0.0.1\n  asNumber: -1\n'),
    'a.yaml:6:13',
    /not an AS number/,
  ],
  ['a list item', peer('  peerIP: 10.0.0.1\n  filters: [a, 7]\n'), 'a.yaml:6:16', /filters\[1\]/],
  [
    'a selector, at its fault',
    peer("  nodeSelector: rack = 'a'\n  peerIP: 10.0.0.1\n"),
    'a.yaml:5:22',
    /expected "=="/,
  ],
  [
    'a selector in double quotes, at its fault',
    peer('  nodeSelector: "rack = \'a\'"\n  peerIP: 10.0.0.1\n'),
    'a.yaml:5:23',
    /expected "=="/,
  ],
  [
    'a selector that is not written as it reads, at its start',
    peer('  nodeSelector: "rack\\u0020= \'a\'"\n  peerIP: 10.0.0.1\n'),
    'a.yaml:5:17',
    /expected "=="/,
  ],
  [
    'a missing field, at what should hold it',
    'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\nspec: {disabled: true}\n',
    'a.yaml:4:1',
    /spec\.cidr/,
  ],
  ['a tag', peer('  nodeSelector: !has(rr)\n'), 'a.yaml:5:17', /YAML tag/],
  [
    'a label that is no text',
    'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata:\n  name: n\n  labels: {a.b/c: [1]}\n',
    'a.yaml:5:12',
    /a\.b\/c/,
  ],
  ['a field at the wrong depth', node('  asNumber: 1\n'), 'a.yaml:5:3', /asNumber/],
  ['a type of a field that nobody here reads', node('  orchRefs: none\n'), 'a.yaml:5:13', /not a list/],
  [
    'a spec that is no object',
    'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n}\nspec: text\n',
    'a.yaml:4:7',
    /spec is no object/,
  ],
  [
    'an unknown kind',
    'apiVersion: projectcalico.org/v3\nkind: BGPPer\nmetadata: {name: p}\n',
    'a.yaml:2:7',
    /not known/,
  ],
  ['a broken flow', 'kind: [\n', 'a.yaml:2:1', /./],
  [
    'a name in capitals',
    'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata:\n  name: N1\n',
    'a.yaml:4:9',
    /N1/,
  ],
  [
    'a field that moved since Calico v2, where it stands',
    'apiVersion: v1\nkind: bgpPeer\nmetadata:\n  scope: global\n  peerIP: 224.0.0.1\nspec: {asNumber: 1}\n',
    'a.yaml:5:11',
    /no BGP speaker/,
  ],
  [
    'a value of Calico v2 that is none',
    'apiVersion: v1\nkind: bgpPeer\nmetadata: {scope: global, peerIP: 10.0.0.1}\nspec: {asNumber: 0.0.1}\n',
    'a.yaml:4:18',
    /not an AS number/,
  ],
];

for (const [title, text, place, says] of FAULTS)
  test(`an error is pointed at: ${title}`, () => {
    const { problems, resources } = readManifest('a.yaml', text, STRICT);
    assert.deepEqual(resources, []);
    assert.deepEqual(
      problems.map((problem) => formatPlace(problem.place)),
      [place],
      JSON.stringify(problems),
    );
    assert.match(problems[0]?.message ?? '', says);
  });

test('a tag hides nothing else that is wrong with its document', () => {
  const text = peer('  nodeSelector: !has(rr)\n  peerIP: 10.0.0.256\n  asNumbr: 1\n');
  const { problems, resources } = readManifest('a.yaml', text, STRICT);
  assert.deepEqual(resources, []);
  assert.deepEqual(
    problems.map(({ place, code }) => [formatPlace(place), code]),
    [
      ['a.yaml:5:17', 'bad-yaml'],
      ['a.yaml:6:11', 'bad-address'],
      ['a.yaml:7:3', 'unknown-field'],
    ],
  );
});

test('all errors of a file are shown at once, with the line, a caret and what to do', () => {
  const text = `${peer("  nodeSelctor: has(rr)\n  nodeSelector: rack = 'a'\n  peerIP: 10.0.0.1\n")}---\nkind: Node\n`;
  assert.equal(
    showErrors(readManifest('a.yaml', text, STRICT)),
    `a.yaml:5:3: spec.nodeSelctor has no meaning.
  5 |   nodeSelctor: has(rr)
    |   ^
      Did you mean nodeSelector?
a.yaml:6:22: spec.nodeSelector does not parse: expected "==", found "= 'a'".
  6 |   nodeSelector: rack = 'a'
    |                      ^
a.yaml:9:1: A Node here has no apiVersion; it is projectcalico.org/v3.
  9 | kind: Node
    | ^`,
  );
});

test('no password is shown, whatever is wrong around it', () => {
  for (const spec of [
    '  peerIP: 10.0.0.1\n  password: hunter2\n',
    '  {peerIP: 10.0.0.1, password: hunter2, asNumber: -1}\n',
    '  {peerIP: x, "password" : "hunter2"}\n',
    // The line is cut between the word and the password.
    `  {password: hunter2${' '.repeat(50)}, asNumber: -1}\n`,
  ]) {
    const shown = showErrors(readManifest('a.yaml', peer(spec), STRICT));
    assert.match(shown, /spec\.password holds something else than a reference/);
    assert.doesNotMatch(shown, /hunter2/);
  }
});

test('what is right is taken, with the warnings of fields that have no effect', () => {
  const text = `${peer('  peerIP: 10.0.0.1\n  asNumber: 1.10\n  restartMode: LongLivedGracefulRestart\n')}---\n${node('  bgp: {ipv4Address: 10.0.0.1/24}\n')}`;
  const { resources, problems } = readManifest('a.yaml', text, STRICT);
  assert.deepEqual(
    resources.map(({ resource, place }) => [resource.kind, formatPlace(place)]),
    [
      ['BGPPeer', 'a.yaml:1:1'],
      ['Node', 'a.yaml:9:1'],
    ],
  );
  assert.deepEqual(
    problems.map(({ severity, code, place }) => [severity, code, formatPlace(place)]),
    [['warning', 'not-supported', 'a.yaml:7:3']],
  );
  refuseErrors({ resources, problems });
});

test('the version that a document states is kept: a change is made on that one', () => {
  const text =
    'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n, resourceVersion: "7"}\nspec: {}\n';
  const [read] = readManifest('a.yaml', text, STRICT).resources;
  assert.equal(read?.resource.metadata.resourceVersion, '7');
});

test('without strictness fields are left to whoever reads them', () => {
  const text = peer('  peerIP: x\n  nodeSelctor: all()\n');
  assert.deepEqual(readManifest('a.yaml', text, { strict: false }).problems, []);
  assert.equal(readManifest('a.yaml', text, STRICT).problems.length, 2);
});

test('a folder is read file by file, and one name given twice is an error where it is strict', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-manifest-'));
  try {
    writeFileSync(join(folder, 'b.yaml'), node('  bgp: {ipv4Address: 10.0.0.1}\n'));
    writeFileSync(
      join(folder, 'a.json'),
      JSON.stringify({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name: 'n' } }),
    );
    const strict = await readManifests(folder, STRICT);
    assert.throws(() => refuseErrors(strict), /Node\/n stands at .*a\.json:1:1 and again at .*b\.yaml:1:1/);
    const lenient = await readManifests(folder, { strict: false });
    refuseErrors(lenient);
    assert.equal(lenient.resources.length, 1);
    await assert.rejects(readManifests(join(folder, 'none.yaml'), STRICT), /none\.yaml does not exist/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('errors are told together, with how many there are', () => {
  const manifest = readManifest('a.yaml', peer('  peerIP: x\n  nodeSelctor: all()\n'), STRICT);
  assert.throws(() => refuseErrors(manifest), {
    code: 'E_YAML',
    message: /^2 errors in a\.yaml\na\.yaml:5:11: /,
  });
});

const PRINTED = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata:
    name: n1
    resourceVersion: "7"
    labels: {rack: a}
    annotations:
      projectcalico.org/IPv4Address: 10.0.0.1/24
      projectcalico.org/RouteReflectorClusterID: 1.0.0.1
  spec: {podCIDR: 10.244.0.0/24}
  status: {conditions: []}
- apiVersion: crd.projectcalico.org/v1
  kind: BGPPeer
  metadata:
    name: p1
    generation: 1
    annotations:
      projectcalico.org/metadata: '{"labels":{"team":"net"}}'
  spec: {peerIP: 192.0.2.1, asNumber: 65001}
`;

test('what kubectl prints of a cluster is read as resources of Calico', () => {
  const { resources, problems } = readManifest('a.yaml', PRINTED, STRICT);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    resources.map(({ resource: { kind, metadata, spec } }) => [kind, metadata.name, metadata.labels, spec]),
    [
      [
        'Node',
        'n1',
        { rack: 'a' },
        { bgp: { ipv4Address: '10.0.0.1/24', routeReflectorClusterID: '1.0.0.1' } },
      ],
      ['BGPPeer', 'p1', { team: 'net' }, { peerIP: '192.0.2.1', asNumber: 65001 }],
    ],
  );
});

test('an error in what kubectl prints is pointed at in the annotation that it stands in', () => {
  const text = PRINTED.replace('10.0.0.1/24', 'nowhere').replace('\'{"labels"', "'{labels");
  const { problems } = readManifest('a.yaml', text, STRICT);
  assert.deepEqual(
    problems.map(({ place, message }) => [formatPlace(place), message.split(',')[0]]),
    [
      ['a.yaml:11:38', 'spec.bgp.ipv4Address is "nowhere"'],
      ['a.yaml:15:3', 'The annotation projectcalico.org/metadata is no JSON object.'],
    ],
  );
});
