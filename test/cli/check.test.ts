/** `calico-rr check` as CI runs it: what it prints, its exit status, and every datastore that it reads. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CliResult, runCli } from '../support/cli.ts';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from './homes.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/rack');
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'calico-rr-check-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function check(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return runCli('calico-rr', ['check', ...words], { env });
}

/** Two reflecting nodes, found by a label, and two others. */
function cluster(label: string): string {
  const node = (name: string, address: string, labels: string, id: string): string =>
    `kind: Node\napiVersion: projectcalico.org/v3\nmetadata: {name: ${name}, labels: {${labels}}}\nspec: {bgp: {ipv4Address: ${address}/24${id}}}\n`;
  const id = ', routeReflectorClusterID: 1.0.0.1';
  return [
    node('r1', '10.0.0.1', `${label}: ''`, id),
    node('r2', '10.0.0.2', `${label}: ''`, id),
    node('n1', '10.0.0.3', '', ''),
    node('n2', '10.0.0.4', '', ''),
    'kind: BGPConfiguration\napiVersion: projectcalico.org/v3\nmetadata: {name: default}\nspec: {nodeToNodeMeshEnabled: false}\n',
    'kind: BGPPeer\napiVersion: projectcalico.org/v3\nmetadata: {name: peers}\nspec: {nodeSelector: all(), peerSelector: has(rr)}\n',
  ].join('---\n');
}

test('a sound cluster: nothing wrong, status 0', async () => {
  const { code, stdout, stderr } = await check(['-f', EXAMPLE, '--strict']);
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: 'Checked 9 nodes and 6 reflectors: nothing wrong.\n', stderr: '' },
  );
});

test('nothing there is no cluster without faults: a path that does not exist, files without nodes', async () => {
  const env = { DATASTORE_TYPE: 'file', CALICO_RR_FILE: join(folder, 'mistyped.yaml') };
  const none = await check(['--strict'], env);
  assert.equal(none.code, 3);
  assert.match(
    none.stdout,
    /^warning: There is no Node and no RouteReflector.*nothing-there\)\n.*CALICO_RR_FILE/,
  );
  const peer =
    'kind: BGPPeer\napiVersion: projectcalico.org/v3\nmetadata: {name: tor}\nspec: {peerIP: 10.0.0.9, asNumber: 64512}\n';
  const peers = await check(['-f', file('peers.yaml', peer)]);
  assert.equal(peers.code, 0);
  assert.match(
    peers.stdout,
    /nothing was checked\. .*nothing-there.*Checked 0 nodes and 0 reflectors: 0 errors, 1 warning/s,
  );
});

test('the Pi-Day case: a label was renamed, nobody finds the reflectors, status 3', async () => {
  const sound = await check(['-f', file('before.yaml', cluster('rr'))]);
  assert.equal(sound.code, 0, sound.stdout);
  const { code, stdout } = await check(['-f', file('after.yaml', cluster('route-reflector'))]);
  assert.equal(code, 3);
  assert.match(
    stdout,
    /^error: The node-to-node mesh is off and nothing is in its place: none of the 4 nodes/,
  );
  assert.match(stdout, /finds nothing, so it makes no session\. \(BGPPeer\/peers, empty-selector\)/);
  assert.match(stdout, /\nChecked 4 nodes and 2 reflectors: 1 error, 2 warnings\.\n$/);
});

test('a warning fails with --strict alone, and a flag can settle it', async () => {
  const path = file('one.yaml', cluster('rr'));
  assert.equal((await check(['-f', path, '--min-reflectors', '3'])).code, 0);
  const strict = await check(['-f', path, '--min-reflectors', '3', '--strict']);
  assert.equal(strict.code, 3);
  assert.match(strict.stdout, /n1 and n2 have 2 reflectors over IPv4, fewer than 3/);
  assert.equal((await check(['-f', path, '--min-reflectors', '2', '--strict'])).code, 0);
});

test('-o json names every pair that is apart', async () => {
  const apart = cluster('rr').replace('nodeSelector: all()', "nodeSelector: has(rr) || kind == 'x'");
  const { code, stdout } = await check(['-f', file('apart.yaml', apart), '-o', 'json']);
  assert.equal(code, 3);
  const report: {
    errors: number;
    problems: readonly { code: string }[];
    pairs: readonly { learners: readonly string[]; origins: readonly string[]; pairs: number }[];
  } = JSON.parse(stdout);
  assert.ok(report.errors > 0);
  assert.ok(report.problems.some((problem) => problem.code === 'pairs-apart'));
  const named = new Set(report.pairs.flatMap(({ learners }) => learners));
  assert.ok(named.has('n1') && named.has('n2'), stdout);
  assert.equal(
    report.pairs.reduce((sum, { pairs }) => sum + pairs, 0),
    10,
  );
});

test('what cannot be checked is no finding: status 1 for a file, 2 for a word', async () => {
  const tag = file('tag.yaml', cluster('rr').replace('peerSelector: has(rr)', 'peerSelector: !has(rr)'));
  const tagged = await check(['-f', tag]);
  assert.equal(tagged.code, 1);
  assert.match(tagged.stderr, /tag\.yaml:29:\d+: !has\(rr\) without quotes is a YAML tag/);
  assert.equal((await check(['-f', join(folder, 'absent.yaml')])).code, 1);
  assert.equal((await check(['--min-reflectors', 'two', '-f', EXAMPLE])).code, 2);
  assert.equal((await check(['-o', 'xml', '-f', EXAMPLE])).code, 2);
});

test('render tells the same on standard error, each once', async () => {
  const path = file('rendered.yaml', cluster('route-reflector'));
  const { code, stdout, stderr } = await runCli('calico-rr', ['render', 'n1', '-f', path]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^# Written by calico-rr for n1/);
  assert.deepEqual(
    [...stderr.matchAll(/^(?:error|warning): .* \((\S+), (\S+)\)$/gm)].map(([, subject, found]) => [
      found,
      subject,
    ]),
    [
      ['empty-selector', 'BGPPeer/peers'],
      ['mesh-off', 'BGPConfiguration/default'],
      ['reflectors-apart', 'Node/r1'],
    ],
  );
});

test('files are read as one cluster', async () => {
  const [nodes = '', rest = ''] = cluster('rr').split(/(?=kind: BGPConfiguration)/);
  const words = ['-f', file('nodes.yaml', nodes), '-f', file('rest.yaml', rest)];
  const { code, stdout } = await check(words);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /Checked 4 nodes and 2 reflectors/);
});

const HOMES: readonly [string, () => Promise<CliHome>][] = [
  ['etcd v2', () => etcdHome('v2')],
  ['etcd v3', () => etcdHome('v3')],
  ['the Kubernetes API', kubernetesHome],
  ['a folder of files', fileHome],
];

for (const [name, open] of HOMES) {
  test(`check reads ${name}: sound with the mesh, apart without it`, async () => {
    const home = await open();
    try {
      await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
      await home.addNode('n2', { ipv4Address: '10.0.0.2/24' });
      const sound = await check([], home.env);
      assert.equal(sound.code, 0, sound.stdout + sound.stderr);
      assert.match(sound.stdout, /Checked 2 nodes and 0 reflectors/);
      const off = await runCli('calico-rr', ['bgp', 'node-mesh', 'off', '--yes'], { env: home.env });
      assert.equal(off.code, 0, off.stderr);
      const apart = await check([], home.env);
      assert.equal(apart.code, 3, apart.stdout);
      assert.match(apart.stdout, /\(BGPConfiguration\/default, mesh-off\)/);
    } finally {
      await home.close();
    }
  });
}
