/**
 * What a change takes is told before it is written: dry runs, the question on a terminal, the refusal elsewhere, and
 * that the name calicoctl asks nothing. On every datastore; two nodes of a mesh lose each other where it goes.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Json } from '../../src/model/resource.ts';
import { type CliOptions, type CliResult, runCli } from '../support/cli.ts';
import { runToEnd } from '../support/processes.ts';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from './homes.ts';

const HOMES: readonly [string, () => Promise<CliHome>][] = [
  ['etcd v2', () => etcdHome('v2')],
  ['etcd v3', () => etcdHome('v3')],
  ['the Kubernetes API', kubernetesHome],
  ['a folder of files', fileHome],
];

const MESH_OFF = `apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec: {nodeToNodeMeshEnabled: false}
`;
const TAKES =
  /^This change takes:\n {2}n1 and n2 do not learn each other's routes over IPv4 any more \(.*\)\.\n/;
const TOLD = `BGPConfiguration(default) would be changed
Sessions:
  Node-to-node mesh, IPv4: n1 and n2 leave it (2 members before, 0 after).
`;
const PATCH = ['patch', 'bgpconfig', 'default', '-p', '{"spec": {"nodeToNodeMeshEnabled": false}}'];

for (const [name, open] of HOMES) {
  suite(`a change that takes routes, on ${name}`, () => {
    let home: CliHome;
    const run = (
      program: 'calico-rr' | 'calicoctl',
      words: string | readonly string[],
      more: CliOptions = {},
    ) =>
      runCli(program, typeof words === 'string' ? words.split(' ') : words, {
        ...more,
        env: { ...home.env, ...more.env },
      });
    const mesh = async (): Promise<Json | undefined> =>
      (await home.datastore.get('BGPConfiguration', 'default')).spec.nodeToNodeMeshEnabled;
    const refuses = async (result: CliResult, done: string, code = 3): Promise<void> => {
      assert.match(result.stderr, TAKES);
      assert.match(result.stderr, new RegExp(`\nNothing was ${done}: nobody can be asked here`));
      assert.equal(result.stdout, '');
      assert.equal(result.code, code);
      assert.equal(await mesh(), true);
    };

    before(async () => {
      home = await open();
      for (const [node, address] of [
        ['n1', '10.0.0.1/24'],
        ['n2', '10.0.0.2/24'],
      ] as const)
        await home.addNode(node, { ipv4Address: address });
      const on = await run('calicoctl', 'config set nodeToNodeMesh on');
      assert.equal(on.code, 0, on.stderr);
    });
    after(() => home?.close());

    test('is refused where nobody can be asked', async () => {
      await refuses(await run('calico-rr', 'apply -f -', { stdin: MESH_OFF }), 'applied');
      await refuses(await run('calico-rr', 'bgp node-mesh off'), 'changed');
    });

    test('is told by a dry run, which writes nothing', async () => {
      const result = await run('calicoctl', 'apply -f - --dry-run', { stdin: MESH_OFF });
      assert.equal(result.stderr, '');
      assert.ok(result.stdout.startsWith(TOLD), result.stdout);
      assert.match(result.stdout, /\nThis takes:\n {2}n1 and n2 do not learn each other/);
      assert.match(result.stdout, /\nNothing was applied: this was a dry run\.\n$/);
      assert.equal(result.code, 0);
      assert.equal(await mesh(), true);
    });

    test('is made under the name calicoctl, which tells it on standard error', async () => {
      const result = await run('calicoctl', PATCH);
      assert.equal(result.stdout, "Successfully patched 1 'BGPConfiguration' resource\n");
      assert.match(result.stderr, TAKES);
      assert.equal(result.code, 0);
      assert.equal(await mesh(), false);
    });
  });
}

suite('a dry run', () => {
  let home: CliHome;
  before(async () => {
    home = await fileHome();
    await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
    await home.addNode('n2', { ipv4Address: '10.0.0.2/24' });
  });
  after(() => home?.close());
  const run = (line: string, stdin = ''): Promise<CliResult> =>
    runCli('calico-rr', line.split(' '), { env: home.env, stdin });

  const peer = (name: string, address: string): string =>
    `---\napiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: ${name}}\nspec: {peerIP: ${address}, asNumber: 65001}\n`;

  test('says of every document what would become of it, and ends as the verb would', async () => {
    await home.datastore.create({
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer',
      metadata: { name: 'there' },
      spec: { peerIP: '192.0.2.1', asNumber: 65001 },
    });
    const result = await run(
      'create -f - --dry-run',
      `${peer('new', '192.0.2.2')}${peer('there', '192.0.2.1')}`,
    );
    assert.equal(
      result.stdout,
      `BGPPeer(new) would be created
BGPPeer(there) would fail: resource already exists: BGPPeer(there) with error: <nil>
  Use apply or replace to change it.
Sessions:
  n1: Global_192_0_2_2 comes.
  n2: Global_192_0_2_2 comes.
No routes are lost.
Nothing was created: this was a dry run.
`,
    );
    assert.equal(result.code, 1);
    const skipped = await run('create -f - --dry-run --skip-exists', peer('there', '192.0.2.1'));
    assert.match(skipped.stdout, /^BGPPeer\(there\) would be skipped\nNo session changes\.\n/);
    assert.equal(skipped.code, 0);
    const same = await run('apply -f - --dry-run', peer('there', '192.0.2.1'));
    assert.match(same.stdout, /^BGPPeer\(there\) would stay as it is\nNo session changes\.\n/);
    const gone = await run('delete bgppeer there nope --dry-run');
    assert.match(
      gone.stdout,
      /^BGPPeer\(there\) would be deleted\nBGPPeer\(nope\) would fail: resource does not/,
    );
    assert.match(gone.stdout, /n2: Global_192_0_2_1 goes\./);
    const label = await run('label node n1 rack=1 --dry-run');
    assert.match(label.stdout, /^Node\(n1\) would be changed\nNo session changes\.\n/);
    const added = await run('rr add 10.9.0.1 --cluster-id 1.0.0.1 --clients all --dry-run');
    assert.match(
      added.stdout,
      /^RouteReflector\(10\.9\.0\.1\) would be created\nBGPPeer\(global\.10\.9\.0\.1\) would/,
    );
    const { resources } = await home.datastore.list('BGPPeer');
    assert.deepEqual(
      resources.map(({ metadata }) => metadata.name),
      ['there'],
    );
  });
});

suite('every verb that changes something', () => {
  let home: CliHome;
  before(async () => {
    home = await fileHome();
    await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
    await home.addNode('n2', { ipv4Address: '10.0.0.2/24' });
    await home.datastore.create({
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPConfiguration',
      metadata: { name: 'default' },
      spec: { nodeToNodeMeshEnabled: true },
    });
  });
  after(() => home?.close());

  for (const [words, done] of [
    [['replace', '-f', '-'], 'replaced'],
    [PATCH, 'patched'],
    [['config', 'set', 'nodeToNodeMesh', 'off'], 'changed'],
  ] as const)
    test(`${words.slice(0, 2).join(' ')} is refused, tells and waits for --yes`, async () => {
      const version = async (): Promise<string | undefined> =>
        (await home.datastore.get('BGPConfiguration', 'default')).metadata.resourceVersion;
      const stored = await version();
      const refused = await runCli('calico-rr', words, { env: home.env, stdin: MESH_OFF });
      assert.match(refused.stderr, TAKES);
      assert.match(refused.stderr, new RegExp(`\nNothing was ${done}: nobody can be asked here`));
      assert.equal(refused.code, 3);
      const env = { ...home.env, CALICO_RR_CONFIRM: 'always' };
      const always = await runCli('calicoctl', words, { env, stdin: MESH_OFF });
      assert.match(
        always.stderr,
        new RegExp(`\nNothing was ${done}: nobody can be asked here\\.\n {2}--yes does it`),
      );
      assert.equal(always.code, 1);
      const dry = await runCli('calico-rr', [...words, '--dry-run'], { env: home.env, stdin: MESH_OFF });
      assert.ok(dry.stdout.startsWith(TOLD), dry.stdout);
      assert.equal(await version(), stored);
      const made = await runCli('calico-rr', [...words, '--yes'], { env: home.env, stdin: MESH_OFF });
      assert.match(made.stderr, TAKES);
      assert.equal(made.code, 0);
      assert.notEqual(await version(), stored);
      const back = await runCli('calico-rr', ['bgp', 'node-mesh', 'on'], { env: home.env });
      assert.deepEqual(back, { code: 0, stdout: '', stderr: '' });
    });
});

suite('on a terminal', () => {
  let home: CliHome;
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-terminal-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  before(async () => {
    home = await fileHome();
    await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
    await home.addNode('n2', { ipv4Address: '10.0.0.2/24' });
  });
  after(() => home?.close());

  /** What stands on the terminal, and the status; script(1) makes the terminal. */
  const answered = async (answer: string, command: string): Promise<string> =>
    runToEnd('bash', ['-c', `printf '%s' "$ANSWER" | script -qec "$COMMAND; echo status \\$?" /dev/null`], {
      env: {
        PATH: `${join(import.meta.dirname, '../../bin')}:${process.env.PATH}`,
        HOME: '/nonexistent',
        ...home.env,
        ANSWER: answer,
        COMMAND: command,
      },
    });

  test('the question is asked, and only yes is yes', async () => {
    const no = await answered('n\n', 'calico-rr bgp node-mesh off');
    assert.match(no, /Do it all the same\? \[y\/N\]/);
    assert.match(no, /Nothing was changed: it was not confirmed/);
    assert.match(no, /status 3/);
    const nothing = await home.datastore.list('BGPConfiguration');
    assert.deepEqual(nothing.resources, []);
    const yes = await answered('y\n', 'calico-rr bgp node-mesh off');
    assert.match(yes, /status 0/);
    const { spec } = await home.datastore.get('BGPConfiguration', 'default');
    assert.deepEqual(spec, { nodeToNodeMeshEnabled: false });
  });

  test('also where the documents come by standard input', async () => {
    await runCli('calicoctl', ['bgp', 'node-mesh', 'on'], { env: home.env });
    const file = join(folder, 'mesh-off.yaml');
    writeFileSync(file, MESH_OFF);
    const yes = await answered('yes\n', `calico-rr apply -f - < ${file}`);
    assert.match(yes, /Successfully applied 1 'BGPConfiguration'/);
    assert.match(yes, /status 0/);
  });
});
