/**
 * Status and drain from elsewhere: two reflectors and a node, run by calico-rr from one file of resources, asked over TLS
 * with a token and through what they report in the datastore.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentStatus } from '../../src/agent/status.ts';
import { askControl } from '../../src/server/control-client.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { type LocalAgent, startLocalAgent, temporaryFolder, writeCluster } from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet } from '../support/loopback-speaker.ts';
import { unusedPort } from '../support/ports.ts';
import { start } from '../support/processes.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const file = join(folder.path, 'calico.yaml');
const tokenFile = join(folder.path, 'token');
const wrongTokenFile = join(folder.path, 'wrong-token');
let net: LoopbackNet;
let certificates: Certificates;
let secure: string;
let plain: string;
let rr1: LocalAgent;
let rr2: LocalAgent;
let node: LocalAgent;

const TOKEN = 'f3c1a9d27b604e58';

async function agentAt(host: number, ...args: readonly string[]): Promise<LocalAgent> {
  return startLocalAgent(join(folder.path, `a${host}`), ['--engine', 'native', ...args], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(host),
  });
}

function cli(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return runCli('calico-rr', words, { env: { CALICO_RR_FILE: file, ...env } });
}

/** With the token and the authority that belong to the lab. */
function trusted(words: readonly string[]): Promise<CliResult> {
  return cli(words, { CALICO_RR_TOKEN_FILE: tokenFile, CALICO_RR_CA_FILE: certificates.ca });
}

function isStatus(value: unknown): value is AgentStatus {
  return typeof value === 'object' && value !== null && 'sessions' in value;
}

const established = (count: number) => (status: AgentStatus) =>
  status.sessions.filter(({ state }) => state === 'Established').length === count;

before(async () => {
  net = await loopbackNet();
  writeCluster(file, net, { reflectors: [1, 2], nodes: [11] });
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  writeFileSync(wrongTokenFile, 'e0e0e0e0e0e0e0e0\n', { mode: 0o600 });
  certificates = await makeCertificates(folder.path, [net.address(1), net.address(2)]);
  secure = `${net.address(1)}:${await unusedPort(net.address(1))}`;
  plain = `${net.address(2)}:${await unusedPort(net.address(2))}`;
  const { cert, key } = certificates.server;
  rr1 = await agentAt(
    1,
    ...['--control', secure, '--control-token-file', tokenFile],
    ...['--control-cert', cert, '--control-key', key],
  );
  rr2 = await agentAt(2, '--control', plain, '--control-token-file', tokenFile);
  node = await startLocalAgent(join(folder.path, 'a11'), ['--no-kernel'], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(11),
  });
  for (const agent of [rr1, rr2]) await agent.untilStatus('two sessions each', established(2), 60_000);
});

after(async () => {
  for (const agent of [rr1, rr2, node]) await agent?.end();
  folder.remove();
});

test('an agent answers at its address what it answers on its socket', async () => {
  const asked = await trusted(['status', '--address', secure, '-o', 'json']);
  assert.equal(asked.code, 0, asked.stderr);
  const remote: AgentStatus = JSON.parse(asked.stdout);
  const local = await rr1.status();
  assert.equal(remote.pid, local.pid);
  assert.deepEqual(remote.speaker, local.speaker);
  const shown = await trusted(['node', 'status', '--address', `https://${secure}`]);
  assert.match(shown.stdout, /^Calico process is running\.\n\nIPv4 BGP status\n\+-+/);
  assert.match(shown.stdout, new RegExp(`\\| ${net.address(11)} +\\| node specific`));
});

test('without its token, or without its authority, nobody is answered, and the agent says who tried', async () => {
  for (const [words, message] of [
    [['--ca-file', certificates.ca], /the agent does not know this token \[E_AGENT_REFUSED\]/],
    [['--ca-file', certificates.ca, '--token-file', wrongTokenFile], /\[E_AGENT_REFUSED\]/],
    [['--ca-file', certificates.otherCa, '--token-file', tokenFile], /certificate.*\n.*--ca-file/],
    [['--token-file', tokenFile], /\[E_AGENT_UNREACHABLE\]\n.*--ca-file/],
  ] as const) {
    const { code, stdout, stderr } = await cli(['status', '--address', `https://${secure}`, ...words]);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, new RegExp(TOKEN));
  }
  const refused = rr1.log().filter(({ msg }) => msg === 'a request at --control was refused');
  assert.deepEqual(
    refused.map(({ reason }) => reason),
    ['it brought no token', 'its token is not ours'],
  );
});

test('a request that does not say the token cannot approve or drain either', async () => {
  for (const path of ['/approve', '/drain', '/status', '/']) {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`http://${plain}${path}`, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      sent.end('{}');
    });
    assert.equal(status, 401);
  }
});

test('a token is never sent in the clear to another machine', async () => {
  const words = ['status', '--address', 'http://192.0.2.1:9180', '--token-file', tokenFile];
  const { code, stderr } = await cli(words);
  assert.equal(code, 2);
  assert.match(stderr, /The token would be readable on the way to http:\/\/192\.0\.2\.1:9180\. \[E_USAGE\]/);
});

test('by its name a reflector is asked itself where there is a token, else its report in the datastore is shown', async () => {
  const reported = await until(
    async () => {
      const { stdout } = await cli(['status', 'rr1', '-o', 'json']);
      const value = stdout === '' ? undefined : JSON.parse(stdout);
      return value?.established === 2 && value;
    },
    'rr1 to report two sessions',
    60_000,
  );
  assert.equal(reported.source, 'RouteReflectorStatus');
  assert.equal(reported.control, `https://${secure}`);
  const text = await cli(['status', 'rr1']);
  assert.match(text.stdout, /^What rr1 said \d+ s ago \(RouteReflectorStatus\)\./);
  assert.match(text.stdout, new RegExp(`\\| ${net.address(11)} +\\| node specific +\\| up +\\|`));
  assert.match(text.stdout, /^State: {6}running, 2 of 2 sessions up$/m);
  const itself = await trusted(['status', 'rr1', '-o', 'json']);
  assert.equal(JSON.parse(itself.stdout).pid, rr1.process.pid);
  // rr2 answers on loopback alone, which means nothing elsewhere: it reports no address.
  const other = await trusted(['status', 'rr2', '-o', 'json']);
  assert.equal(JSON.parse(other.stdout).control, null);
});

test('who has said nothing, and who is nobody, are told apart', async () => {
  const silent = await cli(['status', 'n11']);
  assert.equal(silent.code, 1);
  assert.match(silent.stderr, /n11 has said nothing of itself in the datastore/);
  const nobody = await cli(['status', 'rr9']);
  assert.match(nobody.stderr, /no RouteReflector or Node is named rr9/);
});

test('a node that Calico reports is shown from its CalicoNodeStatus', async () => {
  const peer = { peerIP: net.address(1), type: 'NodePeer', state: 'Established', since: '08:11:20' };
  const status = { lastUpdated: new Date().toISOString(), bgp: { peersV4: [peer], peersV6: [] } };
  const document = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'CalicoNodeStatus',
    metadata: { name: 'n11' },
    spec: { node: 'n11', classes: ['BGP'], updatePeriodSeconds: 10 },
    status,
  };
  const lab = readFileSync(file, 'utf8');
  const copy = join(folder.path, 'copy.yaml');
  writeFileSync(copy, `${lab}\n---\n${JSON.stringify(document)}\n`);
  const { code, stdout, stderr } = await cli(['node', 'status', 'n11'], { CALICO_RR_FILE: copy });
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    new RegExp(`\\| ${net.address(1)} +\\| node specific \\| up +\\| 08:11:20 \\| Established \\|`),
  );
});

/** Ages and counters grow while nothing changes. */
function withoutAge(name: string, value: unknown): unknown {
  return name === 'ageSeconds' || name === 'counters' ? undefined : value;
}

test('--watch says when something changes, and only then', async () => {
  const watching = await start(join(import.meta.dirname, '../../bin/calico-rr'), [
    'status',
    '--watch',
    '1',
    '-o',
    'json',
    '--state-dir',
    rr1.stateDir,
  ]);
  try {
    const seen: AgentStatus[] = [];
    watching.onLine((line) => seen.push(JSON.parse(line)));
    await until(() => seen.length > 0, 'the first look', 60_000);
    await node.process.stop('SIGTERM');
    await until(() => seen.some(established(1)), 'the end of the node to be seen', 60_000);
    const said = seen.map((one) => JSON.stringify(one, withoutAge));
    for (const [index, one] of said.entries()) assert.notEqual(one, said[index - 1]);
    await node.restart();
    await until(
      () => seen.at(-1) !== undefined && established(2)(seen.at(-1) ?? seen[0] ?? assert.fail()),
      'the node',
      60_000,
    );
  } finally {
    await watching.stop('SIGINT');
  }
});

test('a new token counts at once, and the old one no more', async () => {
  writeFileSync(tokenFile, 'another-token-0123456789\n', { mode: 0o600 });
  const asked = await cli(['status', '--address', plain, '--token-file', tokenFile]);
  assert.equal(asked.code, 0, asked.stderr);
  writeFileSync(wrongTokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const old = await cli(['status', '--address', plain, '--token-file', wrongTokenFile]);
  assert.match(old.stderr, /E_AGENT_REFUSED/);
});

test('a token that others can read lets nobody in', async () => {
  const open = join(folder.path, 'open-token');
  writeFileSync(open, `${TOKEN}\n`, { mode: 0o644 });
  const { code, stderr } = await cli(['status', '--address', plain, '--token-file', open]);
  assert.equal(code, 2);
  assert.match(stderr, /has mode 0644: others could read it \[E_SECRETS\]\n {2}Run chmod 0600/);
});

test('rr drain asks the reflector of that name and no other', async () => {
  const wrong = await trusted(['rr', 'drain', 'rr1', '--address', `http://${plain}`]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /rr2 answers there, not rr1/);
  const unknown = await trusted(['rr', 'drain', 'rr9']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /there is no reflector rr9/);
  const mute = await trusted(['rr', 'drain', 'rr2']);
  assert.equal(mute.code, 1);
  assert.match(mute.stderr, /rr2 cannot be asked from here/);
  assert.equal((await rr2.status()).phase, 'running');
});

test('the cluster of reflectors of which one cannot be asked is not renamed', async () => {
  const refused = await trusted(['rr', 'rename-cluster', '1.0.0.1', '1.0.0.7']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Nothing was changed: rr2 cannot be asked whether clients are back/);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /1\.0\.0\.7/);
});

test('a cluster is renamed one reflector after the other, through the guard, and its client always has one', async () => {
  await rr2.process.stop('SIGTERM');
  const { cert, key } = certificates.server;
  const more = [
    '--control',
    plain,
    '--control-token-file',
    tokenFile,
    '--control-cert',
    cert,
    '--control-key',
    key,
  ];
  await rr2.restart(undefined, ['--engine', 'native', ...more]);
  await rr1.untilStatus('two sessions at rr1', established(2), 60_000);
  await rr2.untilStatus('two sessions at rr2', established(2), 60_000);
  const shows = async (): Promise<boolean> => {
    const { stdout } = await cli(['status', 'rr2', '-o', 'json']);
    return stdout !== '' && JSON.parse(stdout).control === `https://${plain}`;
  };
  await until(shows, 'rr2 to say where it can be asked', 60_000);
  let fewest = 2;
  const renaming = trusted(['rr', 'rename-cluster', '1.0.0.1', '1.0.0.7', '--timeout', '120']);
  let ended = false;
  void renaming.then(() => {
    ended = true;
  });
  const at = { socket: join(node.stateDir, 'control.sock') };
  while (!ended) {
    const now = await askControl({ at, method: 'GET', path: '/status' });
    assert.ok(isStatus(now));
    fewest = Math.min(fewest, now.sessions.filter(({ state }) => state === 'Established').length);
    await delay(50);
  }
  const { code, stdout, stderr } = await renaming;
  assert.equal(code, 0, stderr);
  const told = stdout.split('\n').filter((line) => /^rr\d/.test(line));
  assert.match(told[0] ?? '', /^rr1: approved [0-9a-f]{8}, 1 session restarts$/);
  assert.equal(told[1], 'rr1 runs with 1.0.0.7, and its clients are back');
  assert.match(told[2] ?? '', /^rr2: approved /);
  assert.equal(told[3], 'rr2 runs with 1.0.0.7, and its clients are back');
  for (const agent of [rr1, rr2]) assert.equal((await agent.status()).speaker?.clusterId, '1.0.0.7');
  assert.ok(fewest >= 1, 'the client had a reflector all the time');
});

test('rr drain finds a reflector by its report and drains it over the network', async () => {
  await rr2.untilStatus('the node at rr2', established(2), 60_000);
  const { code, stdout, stderr } = await trusted(['rr', 'drain', 'rr1', '--timeout', '60']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^drained: every session is closed/);
  assert.equal((await rr1.status()).phase, 'drained');
  const after = await until(
    async () => {
      const { stdout: told } = await cli(['status', 'rr1']);
      return /drained, 0 of 2 sessions up/.test(told) && told;
    },
    'rr1 to report that it is drained',
    60_000,
  );
  assert.match(after, new RegExp(`\\| ${net.address(11)} +\\| node specific +\\| down +\\|`));
});
