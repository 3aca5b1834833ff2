/** A watched file or folder as people and Kubernetes change it: what is no deletion must not become one. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { WatchEvent } from '../../src/datastore/datastore.ts';
import { readResources } from '../../src/datastore/file/catalogue.ts';
import { openFile } from '../../src/datastore/file/file.ts';
import type { Problem } from '../../src/model/problem.ts';
import { node, rejectsWith } from './datastore.ts';
import { follow, type Watched } from './watched.ts';

let folder: string;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calico-rr-watch-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(folder, { recursive: true, force: true });
});

/** In one go for the watch, which is in this process: it cannot look at a file that was emptied and not written yet. */
async function writeFile(path: string, text: string): Promise<void> {
  writeFileSync(path, text);
}

function nodeText(name: string, spec = '{}'): string {
  return `apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

/** Follows the nodes of a path; `warnings` is what was last said to be wrong. */
function watchNodes(
  path: string,
): Watched & { warnings(): readonly Problem[]; readonly settled: readonly string[] } {
  const settled: string[] = [];
  const datastore = openFile(path);
  let warnings: readonly Problem[] = [];
  const recording = {
    ...datastore,
    async *watch(...args: Parameters<typeof datastore.watch>): AsyncGenerator<WatchEvent> {
      for await (const event of datastore.watch(...args)) {
        if (event.type !== 'connection') warnings = event.warnings ?? [];
        if (event.type === 'changes') settled.push(...(event.settled ?? []));
        yield event;
      }
    },
  };
  const watched = follow(recording, ['Node']);
  ends.push(
    () => datastore.close(),
    () => watched.stop(),
  );
  return Object.assign(watched, { warnings: () => warnings, settled });
}

test('a path that does not exist yet is waited for', async () => {
  const path = join(folder, 'later');
  const watched = watchNodes(path);
  await watched.until(() => watched.connections.at(-1) === false, 'word of the missing path');
  assert.equal(watched.snapshots, 0);
  await mkdir(path);
  await writeFile(join(path, 'n1.yaml'), nodeText('n1'));
  await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
});

test('a file that gets a fault keeps what it said, tells where the fault is, and goes on when it is mended', async () => {
  const path = join(folder, 'a.yaml');
  await writeFile(path, `${nodeText('n1')}---\n${nodeText('n2')}`);
  const watched = watchNodes(path);
  await watched.until(() => watched.resources.size === 2, 'the snapshot');
  await writeFile(path, `${nodeText('n1')}---\n${nodeText('n2').replace('{name: n2}', '{name: [n2}')}`);
  await watched.until(() => watched.warnings().length > 0, 'a warning');
  assert.match(watched.warnings()[0]?.subject ?? '', /a\.yaml:8:/);
  assert.match(watched.warnings().at(-1)?.message ?? '', /before stays in force/);
  assert.deepEqual(watched.told(), []);
  await writeFile(path, nodeText('n1'));
  await watched.until(() => watched.changes.length > 0, 'the deletion');
  assert.deepEqual(watched.told(), ['delete Node/n2']);
  assert.deepEqual(watched.warnings(), []);
  assert.match(watched.settled.join(' '), /a\.yaml:8:\d+ .*a\.yaml$/);
});

test('a fault in one file of a folder leaves the changes of the others', async () => {
  await writeFile(join(folder, 'a.yaml'), nodeText('n1'));
  await writeFile(join(folder, 'b.yaml'), nodeText('n2'));
  const watched = watchNodes(folder);
  await watched.until(() => watched.resources.size === 2, 'the snapshot');
  await writeFile(join(folder, 'a.yaml'), 'kind: [');
  await writeFile(join(folder, 'b.yaml'), nodeText('n2', '{a: 1}'));
  await watched.until(() => watched.changes.length > 0 && watched.warnings().length > 0, 'the change');
  assert.deepEqual(watched.told(), ['put Node/n2']);
});

test('a file that goes takes its resources along; a path that goes takes nothing', async () => {
  const path = join(folder, 'resources');
  await mkdir(path);
  await writeFile(join(path, 'a.yaml'), nodeText('n1'));
  await writeFile(join(path, 'b.yaml'), nodeText('n2'));
  const watched = watchNodes(path);
  await watched.until(() => watched.resources.size === 2, 'the snapshot');
  await rm(join(path, 'a.yaml'));
  await watched.until(() => watched.changes.length > 0, 'the deletion');
  assert.deepEqual(watched.told(), ['delete Node/n1']);
  await rename(path, `${path}.away`);
  await watched.until(() => watched.connections.at(-1) === false, 'word of the missing path');
  await rename(`${path}.away`, path);
  await watched.until(() => watched.connections.at(-1) === true, 'word of the path regained');
  await writeFile(join(path, 'c.yaml'), nodeText('n3'));
  await watched.until(() => watched.resources.has('Node/n3'), 'Node/n3');
  assert.deepEqual(watched.told(), ['delete Node/n1', 'put Node/n3']);
});

test('the symbolic links of a ConfigMap are followed when they are swapped', async () => {
  for (const [data, spec] of [
    ['..one', '{a: 1}'],
    ['..two', '{a: 2}'],
  ] as const) {
    await mkdir(join(folder, data));
    await writeFile(join(folder, data, 'nodes.yaml'), nodeText('n1', spec));
  }
  await symlink('..one', join(folder, '..data'));
  await symlink('..data/nodes.yaml', join(folder, 'nodes.yaml'));
  const watched = watchNodes(folder);
  await watched.until(() => watched.resources.size === 1, 'the snapshot');
  await symlink('..two', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await watched.until(() => watched.changes.length > 0, 'the change');
  assert.deepEqual(watched.told(), ['put Node/n1']);
  assert.deepEqual(watched.resources.get('Node/n1')?.spec, { a: 2 });
});

test('a file replaced by a rename, as editors do, is read anew', async () => {
  const path = join(folder, 'a.yaml');
  await writeFile(path, nodeText('n1'));
  const watched = watchNodes(path);
  await watched.until(() => watched.resources.size === 1, 'the snapshot');
  await writeFile(join(folder, 'a.yaml~'), `${nodeText('n1')}---\n${nodeText('n2')}`);
  await rename(join(folder, 'a.yaml~'), path);
  await watched.until(() => watched.resources.has('Node/n2'), 'Node/n2');
  assert.deepEqual(watched.told(), ['put Node/n2']);
});

test('of two resources with one name the first counts, and both places are named', async () => {
  await writeFile(join(folder, 'a.yaml'), nodeText('n1', '{from: a}'));
  await writeFile(join(folder, 'b.yaml'), `${nodeText('n2')}---\n${nodeText('n1', '{from: b}')}`);
  const datastore = openFile(folder);
  const listing = await datastore.list('Node');
  assert.deepEqual((await datastore.get('Node', 'n1')).spec, { from: 'a' });
  assert.equal(listing.warnings.length, 1);
  assert.match(listing.warnings[0]?.message ?? '', /a\.yaml:1:1 and again at .*b\.yaml:6:1/);
});

test('a write keeps the mode of the file, follows a symbolic link, and leaves no other file behind', async () => {
  const real = join(folder, 'real.yaml');
  const link = join(folder, 'link', 'a.yaml');
  await mkdir(join(folder, 'link'));
  await writeFile(real, nodeText('n1'));
  await chmod(real, 0o600);
  await symlink(real, link);
  const datastore = openFile(link);
  await datastore.create(node('n2', '10.0.0.2/24'));
  assert.equal((await stat(real)).mode & 0o777, 0o600);
  assert.match(await readFile(real, 'utf8'), /name: n2/);
  assert.deepEqual((await readdir(folder)).sort(), ['link', 'real.yaml']);
  assert.deepEqual(await readdir(join(folder, 'link')), ['a.yaml']);
});

test('a file with a fault is not edited', async () => {
  const path = join(folder, 'a.yaml');
  const text = `${nodeText('n1')}---\nkind: [\n`;
  await writeFile(path, text);
  const datastore = openFile(path);
  await rejectsWith(datastore.create(node('n2', '10.0.0.2/24')), 'E_YAML', 'a.yaml:');
  await rejectsWith(datastore.delete('Node', 'n1'), 'E_YAML');
  assert.equal(await readFile(path, 'utf8'), text);
});

test('the first resource created makes the folder or the file', async () => {
  for (const name of ['made', 'made.yaml']) {
    const path = join(folder, name);
    const datastore = openFile(path);
    assert.deepEqual((await datastore.list('Node')).resources, []);
    await datastore.create(node('n1', '10.0.0.1/24'));
    assert.equal((await stat(path)).isDirectory(), name === 'made');
    assert.equal((await readResources(path)).resources.length, 1);
  }
});

test('a lock left behind by a process that died is taken over', async () => {
  const path = join(folder, 'a.yaml');
  // No process has the largest possible ID.
  await writeFile(`${path}.lock`, '4194304\n');
  await openFile(path).create(node('n1', '10.0.0.1/24'));
  assert.equal((await readResources(path)).resources.length, 1);
});

test('files given to a verb must be whole: every fault is named with its place', async () => {
  await writeFile(join(folder, 'a.yaml'), nodeText('n1').replace('Node', 'Nod'));
  await writeFile(join(folder, 'b.yaml'), `${nodeText('n2', 'text')}---\nkind: [\n`);
  await rejectsWith(readResources(folder), 'E_YAML', 'a.yaml:2:7');
  await rejectsWith(readResources(folder), 'E_YAML', 'b.yaml:4:7');
  await rejectsWith(readResources(folder), 'E_YAML', 'b.yaml:7:1');
  await rejectsWith(readResources(join(folder, 'nothing')), 'E_FILE', 'nothing');
});

test('a document of Calico v2 is changed as what it is today, and stands so in its file from then on', async () => {
  const path = join(folder, 'a.yaml');
  const other = nodeText('n1');
  await writeFile(
    path,
    `apiVersion: v1\nkind: bgpPeer\nmetadata: {scope: global, peerIP: 10.0.0.9}\nspec:\n  asNumber: 64512 # ours\n---\n${other}`,
  );
  const datastore = openFile(path);
  const peer = await datastore.patch('BGPPeer', 'global.10.0.0.9', { spec: { ttlSecurity: 2 } });
  assert.deepEqual(peer.spec, { peerIP: '10.0.0.9', asNumber: 64512, ttlSecurity: 2 });
  const text = await readFile(path, 'utf8');
  assert.match(text, /^apiVersion: projectcalico\.org\/v3\nkind: BGPPeer\nmetadata:/);
  assert.ok(text.includes('asNumber: 64512 # ours') && text.endsWith(`---\n${other}`), text);
  await datastore.delete('BGPPeer', 'global.10.0.0.9');
  assert.equal((await datastore.list('Node')).resources.length, 1);
  assert.deepEqual((await datastore.list('BGPPeer')).resources, []);
});
