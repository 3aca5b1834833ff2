/**
 * The examples at the end of every verb's `--help`, run as they stand there by a shell, in the order of the help, in a small
 * cluster: a copy of examples/rack on addresses of the test's own, with one of its reflectors running.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { prepareDebian } from '../../scripts/debian.ts';
import type { AgentStatus } from '../../src/agent/status.ts';
import { type NamedVerb, verbsBelow } from '../../src/cli/examples.ts';
import { makeProgram } from '../../src/cli/program.ts';
import { openFile } from '../../src/datastore/file/file.ts';
import { askControl } from '../../src/server/control-client.ts';
import { makeCertificates } from '../support/certificates.ts';
import { temporaryFolder } from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { unusedPort } from '../support/ports.ts';
import { type RunningProcess, start } from '../support/processes.ts';
import { until } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = temporaryFolder();
const cwd = folder.path;
const state = join(cwd, 'state');
let environment: Record<string, string>;
/** What an example says, and what it is here. */
const here = new Map<string, string>();
let net: LoopbackNet;
let agent: RunningProcess | undefined;
let client: Neighbor | undefined;

before(async () => {
  const tools = await prepareDebian();
  net = await loopbackNet();
  const address = net.address(11);
  // 127.0.0.11 is rr1, 127.0.1.1 is n1: both nets become one of the test's own, with hosts that do not meet.
  const host = (text: string): string =>
    text
      .replaceAll(/127\.0\.1\.(\d+)/g, (_, number) => net.address(100 + Number(number)))
      .replaceAll(/127\.0\.0\.(\d+)/g, (_, number) => net.address(Number(number)))
      .replaceAll('1790', String(net.port));
  cpSync(join(ROOT, 'examples/rack'), join(cwd, 'examples/rack'), { recursive: true });
  for (const name of ['data', 'peers', 'cluster', 'bin', '.config/fish/completions'])
    mkdirSync(join(cwd, name), { recursive: true });
  for (const name of readdirSync(join(cwd, 'examples/rack')))
    writeFileSync(join(cwd, 'data', name), host(readFileSync(join(cwd, 'examples/rack', name), 'utf8')));
  const tor = (name: string, peerIP: string): string =>
    `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: ${name}}\nspec: {node: n1, peerIP: ${peerIP}, asNumber: 65001}\n`;
  writeFileSync(join(cwd, 'tor.yaml'), tor('tor-1', '192.0.2.8'));
  writeFileSync(join(cwd, 'peers/tor-2.yaml'), tor('tor-2', '192.0.2.9'));
  // Of a name that etcd v2 has a key for.
  writeFileSync(join(cwd, 'peers.yaml'), tor('node.n1.192.0.2.9', '192.0.2.9'));
  writeFileSync(join(cwd, 'cluster/tor-3.yaml'), tor('tor-3', '192.0.2.10'));
  writeFileSync(join(cwd, 'token'), '0f1e2d3c4b5a69788796\n', { mode: 0o600 });
  const certificates = await makeCertificates(cwd, [address]);
  cpSync(certificates.server.cert, join(cwd, 'tls.crt'));
  cpSync(certificates.server.key, join(cwd, 'tls.key'));
  symlinkSync(tools.bird1, join(cwd, 'bin/bird'));
  here.set('10.0.0.1:9180', `${address}:${await unusedPort(address)}`);
  here.set('127.0.0.1:8080', `127.0.0.1:${await unusedPort()}`);
  here.set('IP=10.0.0.1', `IP=${address}`);
  here.set('http://10.0.0.5:2379', `http://127.0.0.1:${await unusedPort()}`);
  environment = {
    PATH: `${join(cwd, 'bin')}:${join(ROOT, 'bin')}:${process.env.PATH}`,
    HOME: cwd,
    CALICO_RR_FILE: join(cwd, 'data'),
    CALICO_RR_BIRD: tools.bird2,
  };
});

after(async () => {
  await client?.stop();
  await agent?.stop('SIGKILL');
  folder.remove();
});

/** Lines below "Examples:" of a verb's help, without what they say to people. */
function examplesOf({ verb }: NamedVerb): readonly string[] {
  let text = '';
  verb.configureOutput({
    writeOut(part) {
      text += part;
    },
  });
  verb.outputHelp();
  const [, examples = ''] = text.split('\nExamples:\n');
  return examples
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.replace(/ {2,}#.*$/, '').trim());
}

function asHere(line: string): string {
  let text = line;
  for (const [said, meant] of here) text = text.replaceAll(said, meant);
  return text;
}

async function runLine(line: string, env = environment): Promise<{ code: number | null; output: string }> {
  const shell = await start('bash', ['-euo', 'pipefail', '-c', asHere(line)], { env, cwd });
  const { code } = await shell.exit;
  return { code, output: shell.output() };
}

/** The reflector rr1, started by the example that lets others ask it. */
async function startAgent(line: string): Promise<void> {
  await agent?.stop('SIGTERM');
  const script = `exec ${asHere(line)} --engine native --state-dir ${state}`;
  agent = await start('bash', ['-c', script], { env: environment, cwd });
  await until(
    async () => (await statusHere())?.phase === 'running',
    () => `rr1 to run: ${agent?.output()}`,
    60_000,
  );
}

/** Asked without a command: a test that waits asks often. */
async function ask(path: string, body?: unknown): Promise<unknown> {
  const at = { socket: join(state, 'control.sock') };
  const method = body === undefined ? 'GET' : 'POST';
  return askControl({ at, method, path, body }).catch(() => undefined);
}

async function statusHere(): Promise<AgentStatus | undefined> {
  const status = await ask('/status');
  return isStatus(status) ? status : undefined;
}

function isStatus(value: unknown): value is AgentStatus {
  return typeof value === 'object' && value !== null && 'phase' in value;
}

async function hasReported(): Promise<boolean> {
  const datastore = openFile(join(cwd, 'data'));
  const { resources } = await datastore.list('RouteReflectorStatus');
  await datastore.close();
  return resources.length > 0;
}

const verbs = verbsBelow(makeProgram());
const CONTROL = verbs
  .filter(({ path }) => path === 'run')
  .flatMap(examplesOf)
  .find((line) => line.includes('--control'));

/** Those that go on until they are stopped: what they print when they have begun. */
const BEGUN: ReadonlyMap<string, RegExp> = new Map([
  ['run', /calico-rr starts/],
  ['status', /Speaker: +rr1/],
]);
/** Verbs that find fault tell so by their status. */
const FOUND: ReadonlyMap<string, number> = new Map([
  ['check', 3],
  ['diff', 1],
]);
/** Verbs about the agent of this machine, which is in a folder of the test's. */
const LOCAL = /^calico-rr (node )?(status|approve|drain|explain route)\b(?!.*--address)(?! rr1)/;
/** Needs an API server: test/e2e runs it; here its words are only read. */
const ONLY_READ: ReadonlySet<string> = new Set(['admission']);

for (const named of verbs) {
  const { path } = named;
  test(`calico-rr ${path}: what its help shows`, async () => {
    const examples = examplesOf(named);
    assert.notEqual(examples.length, 0);
    for (const example of examples) {
      if (ONLY_READ.has(path)) await onlyRead(named, example);
      else if (path === 'run' || example.includes('--watch')) await runUntilBegun(path, example);
      else await runToEnd(path, example);
    }
  });
}

async function runToEnd(path: string, example: string): Promise<void> {
  if (/^calico-rr (node )?status|^calico-rr (rr )?drain|^calico-rr approve/.test(example))
    await demandAgent();
  if (path === 'approve') here.set('3f9a01c2', await heldChange());
  if (path === 'explain route') await demandRoute();
  const line = LOCAL.test(example) ? `${example.replace('--name rr1 ', '')} --state-dir ${state}` : example;
  if (/^calico-rr ((node )?status|rr drain) rr1/.test(example))
    await until(hasReported, 'rr1 to have reported', 60_000);
  const { code, output } = await runLine(line);
  assert.ok(code === 0 || code === FOUND.get(path), `${example} ended with ${code}:\n${output}`);
}

/** Runs rr1, also where an example before took it out of service. */
async function demandAgent(): Promise<void> {
  assert.ok(CONTROL !== undefined);
  if ((await statusHere())?.phase !== 'running') await startAgent(CONTROL);
}

/** Takes one of two reflectors from a node, which rr1 holds. */
async function heldChange(): Promise<string> {
  const { code, output } = await runLine('calico-rr delete bgppeer n2-rr1 --yes');
  assert.equal(code, 0, output);
  const status = await until(
    async () => {
      const now = await statusHere();
      return now !== undefined && now.held.length > 0 && now;
    },
    'the change to be held',
    60_000,
  );
  return status.held[0]?.id ?? '';
}

/** The node n1 comes, and tells rr1 of its block. */
async function demandRoute(): Promise<void> {
  await demandAgent();
  client ??= await startNeighbor(cwd, net, 101, net.address(11), { routes: ['10.65.1.0/26'] });
  await client.untilUp(60_000);
  const learned = async () => (await ask('/route', { prefix: '10.65.1.0/26' })) !== undefined;
  await until(learned, 'the route to be learned', 60_000);
}

async function runUntilBegun(path: string, example: string): Promise<void> {
  const own = path === 'run' ? join(cwd, `run-${here.size}`) : state;
  if (path !== 'run') await demandAgent();
  // Two of one reflector would want one address.
  else await agent?.stop('SIGTERM');
  const env = { ...environment };
  // The first example's datastore is etcd, which is away.
  if (example.includes('ETCD_ENDPOINTS')) delete env.CALICO_RR_FILE;
  const script = `${asHere(example)} --state-dir ${own}`;
  const running = await start('bash', ['-c', script], { env, cwd });
  try {
    await until(
      () => BEGUN.get(path)?.test(running.output()) || !running.running,
      () => `${example} to begin: ${running.output()}`,
      60_000,
    );
    assert.match(running.output(), BEGUN.get(path) ?? /./);
  } finally {
    if (running.running) running.killGroup('SIGTERM');
    await running.stop('SIGTERM', 60_000);
  }
}

async function onlyRead({ verb }: NamedVerb, example: string): Promise<void> {
  const shown = await runLine(`calico-rr() { printf '%s\\n' "$@"; }; ${example}`);
  let called = false;
  verb.action(() => {
    called = true;
  });
  await verb.parent?.parseAsync(shown.output.trim().split('\n'), { from: 'user' });
  assert.ok(called, example);
}
