/** What `calico-rr` says when it is told something wrong, and with which status it ends. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram, startLocalAgent, temporaryFolder, writeCluster } from '../support/local-agent.ts';
import { loopbackNet, startNeighbor } from '../support/loopback-speaker.ts';

const folder = temporaryFolder();
after(() => folder.remove());
const resources = join(folder.path, 'calico.yaml');
const net = await loopbackNet();
writeCluster(resources, net, { nodes: [11] });
const open = join(folder.path, 'open.yaml');
writeFileSync(open, 'edge: hunter2\n', { mode: 0o644 });

const fileStore = { DATASTORE_TYPE: 'file', CALICO_RR_FILE: resources };
const WRONG: readonly (readonly [
  string,
  readonly string[],
  Readonly<Record<string, string>>,
  number,
  RegExp,
])[] = [
  ['no IP', ['run'], fileStore, 2, /^calico-rr: IP is not set.*\[E_SETTING\]\n {2}Set IP=ADDRESS/],
  ['a bad IP6', ['run'], { ...fileStore, IP: '10.0.0.1', IP6: '10.0.0.2' }, 2, /IP6 is "10\.0\.0\.2"/],
  [
    'a datastore type that is none',
    ['run'],
    { IP: '10.0.0.1', DATASTORE_TYPE: 'zookeeper' },
    2,
    /DATASTORE_TYPE/,
  ],
  ['a file store with no file', ['run'], { IP: '10.0.0.1', DATASTORE_TYPE: 'file' }, 2, /CALICO_RR_FILE/],
  [
    'a flag of the other engine',
    ['run', '--engine', 'native', '--adopt'],
    { ...fileStore, IP: '10.0.0.1' },
    2,
    /--adopt is for --engine bird/,
  ],
  [
    'secrets that others can read',
    ['run', '--secrets-file', open],
    { ...fileStore, IP: '10.0.0.1' },
    2,
    /mode 0644: others could read it \[E_SECRETS\]\n {2}Run chmod 0600/,
  ],
  [
    'a BIRD that is not there',
    ['run', '--bird', '/nowhere/bird', '--state-dir', join(folder.path, 'nobird')],
    { ...fileStore, IP: net.address(1) },
    1,
    /\/nowhere\/bird.*\[E_ENGINE_START\]/,
  ],
  [
    'a verb that nobody knows',
    ['statsu'],
    {},
    2,
    /unknown command 'statsu' \[E_USAGE\]\n {2}Did you mean status\?/,
  ],
  [
    'a flag that nobody knows',
    ['run', '--lisen', 'x'],
    {},
    2,
    /unknown option '--lisen' \[E_USAGE\]\n {2}Did you mean --listen\?/,
  ],
  [
    'a name with a typing error',
    ['sessions', 'rr11', '-f', resources],
    {},
    1,
    /no RouteReflector or Node is named rr11 \[E_NOT_FOUND\]\n {2}Did you mean rr1/,
  ],
  [
    'an output format that is none',
    ['sessions', 'rr1', '-f', resources, '-o', 'xml'],
    {},
    2,
    /there is no output format "xml"/,
  ],
  [
    'a dialect that is none',
    ['render', 'rr1', '-f', resources, '--dialect', 'frr'],
    {},
    2,
    /--dialect is "frr", not one of bird2, bird1, calico-bird \[E_SETTING\]/,
  ],
  [
    'a version of Calico that is none',
    ['sessions', 'rr1', '-f', resources],
    { CALICO_RR_CALICO_VERSION: 'latest' },
    2,
    /CALICO_RR_CALICO_VERSION is "latest", not a version such as v3\.12\.1 or 3\.28 \[E_SETTING\]/,
  ],
  [
    'a family that the speaker has not',
    ['render', 'rr1', '-f', resources, '--dialect', 'bird1', '--family', '6'],
    {},
    1,
    /rr1 has no IPv6 address and no session over IPv6 \[E_NOT_FOUND\]\n {2}Leave --family out/,
  ],
];

for (const [what, args, env, status, message] of WRONG) {
  test(`${what}: exit status ${status}, and a message that says what to do`, async () => {
    const { code, stderr } = await runProgram(args, env);
    assert.equal(code, status, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at .*\.ts:\d+|hunter2/);
  });
}

test('sessions and render compute from files, by name and by address, and touch nothing', async () => {
  for (const name of ['rr1', net.address(1)]) {
    const text = await runProgram(['sessions', name, '-f', resources]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /^rr1: reflector, AS 64512/);
    assert.match(text.stdout, /BGPPeer\/n11-rr1/);
    const json = await runProgram(['sessions', name, '-f', resources, '-o', 'json']);
    assert.equal(JSON.parse(json.stdout).sessions[0].because, 'BGPPeer/n11-rr1');
    const config = await runProgram(['render', name, '-f', resources]);
    assert.match(config.stdout, /protocol bgp Node_/);
  }
});

test('render prints both files of BIRD 1.6 under their names, or one of them, and says what is not honoured', async () => {
  const file = join(folder.path, 'dual.yaml');
  writeFileSync(
    file,
    [
      '{apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: n1}, spec: {bgp: {ipv4Address: 10.0.0.1/24, ipv6Address: "fd00::1/64"}}}',
      '{apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: n2}, spec: {bgp: {ipv4Address: 10.0.0.2/24, ipv6Address: "fd00::2/64", routeReflectorClusterID: 1.0.0.1}}}',
      '{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: p}, spec: {cidr: 10.64.0.0/12, ipipMode: Always}}',
    ].join('\n---\n'),
  );
  const render = (...args: readonly string[]) => runProgram(['render', 'n1', '-f', file, ...args]);
  const both = await render('--dialect', 'bird1', '--calico-version', 'v3.12.1');
  assert.match(both.stderr, /^warning: not honoured: IPIP pool 10\.64\.0\.0\/12 \(Always\)/);
  assert.match(
    both.stdout,
    /^# ==> bird\.cfg <==\n[\s\S]*Mesh_10_0_0_2[\s\S]*\n# ==> bird6\.cfg <==\n[\s\S]*Mesh_fd00__2/,
  );
  const one = await render('--dialect', 'calico-bird', '--family', '4');
  assert.doesNotMatch(one.stderr, /not honoured/);
  assert.match(one.stdout, /^# Written by calico-rr for n1\.[\s\S]*krt_tunnel = "tunl0"/);
  assert.doesNotMatch(one.stdout, /==>|Mesh_/);
});

test('a password is masked by render unless it is asked for', async () => {
  const secrets = join(folder.path, 'secrets.yaml');
  writeFileSync(secrets, 'edge: correct-horse\n');
  chmodSync(secrets, 0o600);
  const withPeer = join(folder.path, 'peer.yaml');
  writeFileSync(
    withPeer,
    `apiVersion: calico-rr.io/v1\nkind: RouteReflector\nmetadata: {name: rr1}\nspec: {ipv4: ${net.address(1)}, clusterID: 1.0.0.1, peers: [{ip: ${net.address(30)}, asNumber: 65001, passwordRef: edge}]}\n`,
  );
  const masked = await runProgram(['render', 'rr1', '-f', withPeer, '--secrets-file', secrets]);
  assert.match(masked.stdout, /password "\*+"/);
  assert.doesNotMatch(masked.stdout, /correct-horse/);
  const shown = await runProgram([
    'render',
    'rr1',
    '-f',
    withPeer,
    '--secrets-file',
    secrets,
    '--show-secrets',
  ]);
  assert.match(shown.stdout, /password "correct-horse"/);
});

test('an empty datastore is not ready and touches nothing; resources that come make it ready', async () => {
  const empty = join(folder.path, 'empty.yaml');
  writeFileSync(empty, '');
  const agent = await startLocalAgent(join(folder.path, 'empty'), ['--http', '127.0.0.1:0'], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: empty,
    IP: net.address(1),
  });
  try {
    const status = await agent.untilStatus('the reason', (now) =>
      /holds nothing of Calico's/.test(now.reason),
    );
    assert.equal(status.ready, false);
    assert.equal(agent.birdPid(), undefined);
    const address = agent.log().find((line) => /serving/.test(String(line.msg)))?.address;
    const response = await fetch(`http://${address}/readyz`);
    assert.equal(response.status, 503);
    assert.match(await response.text(), /holds nothing of Calico's/);
    writeCluster(empty, net, { nodes: [11] });
    await agent.untilStatus('a ready agent', (now) => now.ready);
    assert.equal((await fetch(`http://${address}/readyz`)).status, 200);
  } finally {
    await agent.end();
  }
});

for (const engine of ['native', 'bird']) {
  test(`engine ${engine}: with its port taken nothing is applied, and SIGTERM leaves nothing behind that would wait for it`, async () => {
    const file = join(folder.path, `taken-${engine}.yaml`);
    writeCluster(file, net, { nodes: [11] });
    const other = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => other.listen(net.port, net.address(1), resolve));
    const agent = await startLocalAgent(join(folder.path, `taken-${engine}`), ['--engine', engine], {
      DATASTORE_TYPE: 'file',
      CALICO_RR_FILE: file,
      IP: net.address(1),
    });
    try {
      await agent.untilStatus('the failure', (now) => /cannot listen/.test(now.applyError ?? ''), 60_000);
      assert.equal(agent.birdPid() !== undefined, engine === 'bird');
      assert.equal((await agent.process.stop('SIGTERM')).code, 0);
      assert.equal(agent.birdPid(), undefined);
    } finally {
      await agent.end();
      await new Promise((resolve) => other.close(resolve));
    }
  });
}

test('a session whose password is missing stays down and is reported; with the password it comes up', async () => {
  const secrets = join(folder.path, 'later.yaml');
  writeFileSync(secrets, '{}\n', { mode: 0o600 });
  const file = join(folder.path, 'md5.yaml');
  const peer = `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: n21-rr1}\nspec: {node: n21, peerIP: ${net.address(1)}, asNumber: 64512, password: {secretKeyRef: {name: bgp, key: rack}}}`;
  writeCluster(file, net, { nodes: [21], peers: [], extra: peer });
  const agent = await startLocalAgent(join(folder.path, 'md5'), ['--secrets-file', secrets], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(1),
  });
  const password = 'battery-staple';
  const neighbor = await startNeighbor(folder.path, net, 21, net.address(1), { password });
  try {
    const status = await agent.untilStatus('the problem', (now) =>
      now.problems.some((one) => one.code === 'missing-password'),
    );
    assert.deepEqual(status.sessions, []);
    assert.match(status.problems[0]?.message ?? '', /BGPPeer\/n21-rr1: .*bgp\/rack/);
    writeFileSync(secrets, `bgp/rack: ${password}\n`, { mode: 0o600 });
    const up = await agent.untilStatus(
      'an established session',
      (now) => now.sessions[0]?.state === 'Established' && now.problems.length === 0,
    );
    assert.doesNotMatch(JSON.stringify(up) + agent.process.output(), /battery-staple/);
  } finally {
    await neighbor.stop();
    await agent.end();
  }
});
