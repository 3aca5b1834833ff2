/** Completion in real shells: what each of them offers for a line as somebody types it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type DebianTools, prepareDebian } from '../../scripts/debian.ts';
import { runCli } from '../support/cli.ts';
import { unusedPort } from '../support/ports.ts';
import { runToEnd } from '../support/processes.ts';

const ROOT = join(import.meta.dirname, '../..');
const env = {
  PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`,
  CALICO_RR_FILE: join(ROOT, 'examples/rack'),
  // fish keeps its history there.
  HOME: '/nonexistent',
};

let tools: DebianTools;
before(async () => {
  tools = await prepareDebian(['zsh', 'fish']);
});

/** What stands at the end of a line, and what it may become; the same in every shell. */
const LINES: readonly (readonly [string, readonly string[]])[] = [
  ['calico-rr ge', ['get']],
  ['calico-rr rr dr', ['drain']],
  ['calico-rr get bgpp', ['bgppeer', 'bgppeers']],
  ['calico-rr get bgppeers n1-', ['n1-rr1', 'n1-rr2']],
  ['calico-rr get bgppeers n1-rr1 n1-', ['n1-rr2']],
  ['calico-rr run --engine ', ['bird', 'native']],
  ['calico-rr sessions --etc', ['--etcd-api']],
  ['calico-rr sessions rr', ['rr1', 'rr2', 'rr3', 'rr4', 'rr5', 'rr6']],
  ['calico-rr explain session rr1 n', ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9']],
  ['calico-rr explain bgppeer.spec.rev', ['bgppeer.spec.reversePeering']],
  ['calico-rr bgp node-mesh o', ['off', 'on']],
  ['calico-rr help expl', ['explain']],
  ['calico-rr nothing of the k', []],
];

test('bash', async () => {
  const lines = LINES.map(([line]) => line);
  assert.deepEqual(
    await offeredBy('bash', ['--norc'], 'complete.bash', lines),
    LINES.map(([, words]) => words),
  );
});

test('bash cuts words at = and completes what stands behind it, and files where a file is wanted', async () => {
  const lines = ['calico-rr get nodes --output=y', 'calico-rr apply -f READ'];
  const [formats, files] = await offeredBy('bash', ['--norc'], 'complete.bash', lines);
  assert.deepEqual(formats, ['yaml']);
  assert.deepEqual(files, ['README.md']);
});

test('zsh', async () => {
  const lines = [...LINES.map(([line]) => line), 'calico-rr get -o ', 'calico-rr apply -f '];
  const offered = await offeredBy(tools.zsh, ['-f'], 'complete.zsh', lines);
  assert.deepEqual(
    offered.slice(0, LINES.length),
    LINES.map(([, words]) => words),
  );
  assert.deepEqual(offered.slice(LINES.length), [
    ['custom-columns=', 'json', 'jsonpath=', 'name', 'wide', 'yaml'],
    [':files'],
  ]);
});

test('fish', async () => {
  const lines = LINES.map(([line]) => line);
  assert.deepEqual(
    await offeredBy(tools.fish, ['--no-config'], 'complete.fish', lines),
    LINES.map(([, words]) => words),
  );
});

/** What the script in shells/ prints for each of the lines, sorted. */
async function offeredBy(
  shell: string,
  flags: readonly string[],
  script: string,
  lines: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const path = join(import.meta.dirname, 'shells', script);
  const output = await runToEnd(shell, [...flags, path, ...lines], { env, cwd: ROOT });
  return output
    .split('\n')
    .slice(0, lines.length)
    .map((line) =>
      line
        .split(' ')
        .filter((word) => word !== '')
        .sort(),
    );
}

test('a link named calicoctl completes under that name', async () => {
  const { stdout } = await runCli('calicoctl', ['completion', 'bash']);
  assert.match(stdout, /^complete -F _calicoctl calicoctl$/m);
});

test('a datastore that does not answer holds nobody up and says nothing', async () => {
  const taken = new Set<Socket>();
  const silent = createServer((socket) => void taken.add(socket.on('error', () => undefined)));
  const port = await unusedPort();
  await once(silent.listen(port, '127.0.0.1'), 'listening');
  const { code, stdout, stderr } = await runCli('calico-rr', ['__complete', '--', 'get', 'nodes', ''], {
    env: { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: `http://127.0.0.1:${port}` },
  });
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
  assert.ok(taken.size > 0, 'it was asked');
  for (const socket of taken) socket.destroy();
  silent.close();
});

test('a shell that there is none for is told those that there are', async () => {
  const { code, stderr } = await runCli('calico-rr', ['completion', 'tcsh']);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /there is no completion for "tcsh" \[E_USAGE\]\n {2}There is one for bash, zsh, fish\./,
  );
});
