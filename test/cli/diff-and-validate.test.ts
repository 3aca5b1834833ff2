/** `diff` and `validate`: what files would change, and what is wrong with them; neither writes anything. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type CliResult, runCli } from '../support/cli.ts';
import { type EtcdCliHome, etcdHome, fileHome } from './homes.ts';

function peer(name: string, spec: string): string {
  return `---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: ${name}}
spec: ${spec}
`;
}

suite('diff', () => {
  let home: EtcdCliHome;
  before(async () => {
    home = await etcdHome('v3');
    await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
    await home.addNode('n2', { ipv4Address: '10.0.0.2/24' });
    const stored = peer('tor', '{peerIP: 192.0.2.1, asNumber: 65001}');
    const created = await run(['create', '-f', '-'], stored);
    assert.equal(created.code, 0, created.stderr);
  });
  after(() => home?.close());
  const run = (words: readonly string[], stdin: string): Promise<CliResult> =>
    runCli('calico-rr', words, { env: home.env, stdin });
  const diff = (stdin: string): Promise<CliResult> => run(['diff', '-f', '-'], stdin);

  test('shows what differs in resources and in sessions, and ends with 1', async () => {
    const given = `${peer('tor', '{peerIP: 192.0.2.1, asNumber: 65002}')}${peer('tor-2', '{peerIP: 192.0.2.2, asNumber: 65001, node: n2}')}`;
    const result = await diff(given);
    assert.equal(result.stderr, '');
    assert.equal(
      result.stdout,
      `--- stored/BGPPeer/tor
+++ given/BGPPeer/tor
@@ -3,5 +3,5 @@
 metadata:
   name: tor
 spec:
-  asNumber: 65001
+  asNumber: 65002
   peerIP: 192.0.2.1
--- /dev/null
+++ given/BGPPeer/tor-2
@@ -0,0 +1,8 @@
+apiVersion: projectcalico.org/v3
+kind: BGPPeer
+metadata:
+  name: tor-2
+spec:
+  asNumber: 65001
+  node: n2
+  peerIP: 192.0.2.2
Sessions:
  n1: Global_192_0_2_1 (peerAs) restarts.
  n2: Global_192_0_2_1 (peerAs) restarts; Node_192_0_2_2 comes.
No routes are lost.
`,
    );
    assert.equal(result.code, 1);
    const { spec } = await home.datastore.get('BGPPeer', 'tor');
    assert.deepEqual(spec, { peerIP: '192.0.2.1', asNumber: 65001 });
  });

  test('says what may be lost: here it depends on the routers outside', async () => {
    const result = await diff(
      'apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: {nodeToNodeMeshEnabled: false}\n',
    );
    assert.match(result.stdout, /\nThis may take:\n {2}Whether n1 and n2 learn each other's routes/);
    assert.equal(result.code, 1);
  });

  test('says nothing and ends with 0 where nothing differs, as with what get printed', async () => {
    for (const kind of ['bgppeers', 'nodes']) {
      const { stdout } = await run(['get', kind, '-o', 'yaml'], '');
      assert.deepEqual(await diff(stdout), { code: 0, stdout: '', stderr: '' });
    }
  });

  test('ends with 2 where it cannot be told', async () => {
    const stale = await diff(
      'apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: tor, resourceVersion: "1"}\nspec: {peerIP: 192.0.2.9, asNumber: 1}\n',
    );
    assert.match(stale.stderr, /^BGPPeer\(tor\) could not be applied: update conflict: BGPPeer\(tor\)\n/);
    assert.equal(stale.code, 2);
    const wrong = await diff(peer('tor', '{peerIP: 192.0.2.256}'));
    assert.match(wrong.stderr, /192\.0\.2\.256/);
    assert.equal(wrong.code, 2);
    assert.equal(wrong.stdout, '');
    const empty = await diff('# nothing\n');
    assert.equal(empty.stderr, 'no resources specified in file -\n');
    assert.equal(empty.code, 2);
  });

  test('promise 6: shows no password that was stored where a reference belongs', async () => {
    const peers = [{ ip: '192.0.2.1', as_num: 65001, password: 'hunter2' }];
    await home.etcd.putV3('/calico/bgp/v1/rr_v4/10.0.0.9', JSON.stringify({ ip: '10.0.0.9', peers }));
    const given = '{ipv4: 10.0.0.9, peers: [{ip: 192.0.2.1, asNumber: 65001, passwordRef: tor}]}';
    const { stdout, stderr } = await diff(
      `apiVersion: calico-rr.io/v1\nkind: RouteReflector\nmetadata: {name: 10.0.0.9}\nspec: ${given}\n`,
    );
    assert.match(stdout, /^-\s+password: "\*{8}"\n\+\s+passwordRef: tor$/m);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
  });
});

suite('validate', () => {
  const validate = (stdin: string, ...more: readonly string[]): Promise<CliResult> =>
    runCli('calico-rr', ['validate', '-f', '-', ...more], { stdin });
  const good = peer('a', '{peerIP: 192.0.2.1, asNumber: "1.10"}');
  const bad = `${peer('b', '{peerIP: 192.0.2.256, nodeSelector: "rack = 1", colour: red}')}${good}${good}`;

  test('needs no datastore, and says what is right', async () => {
    const result = await validate(good, '-R');
    assert.deepEqual(result, {
      code: 0,
      stdout: "Successfully validated 1 'BGPPeer' resource(s)\n",
      stderr: '',
    });
    const older =
      'apiVersion: v1\nkind: bgpPeer\nmetadata: {scope: global, peerIP: 192.0.2.1}\nspec: {asNumber: 1}\n';
    assert.equal((await validate(older)).code, 0);
  });

  test('shows every fault of every document at once, each with a caret', async () => {
    const result = await validate(bad);
    assert.equal(result.stdout, '');
    assert.equal(
      result.stderr,
      `error: <stdin>:5:16: spec.peerIP is "192.0.2.256", not an IP address.
  5 | spec: {peerIP: 192.0.2.256, nodeSelector: "rack = 1", colour: red}
    |                ^
      Write IP, IPv4:port or [IPv6]:port, without a zone or a host name.
error: <stdin>:5:49: spec.nodeSelector does not parse: expected "==", found "= 1".
  5 | spec: {peerIP: 192.0.2.256, nodeSelector: "rack = 1", colour: red}
    |                                                 ^
error: <stdin>:5:55: spec.colour has no meaning.
  5 | spec: {peerIP: 192.0.2.256, nodeSelector: "rack = 1", colour: red}
    |                                                       ^
error: <stdin>:12:1: BGPPeer/a stands at <stdin>:7:1 and again at <stdin>:12:1.
       Remove one of them.
4 errors in <stdin>
`,
    );
    assert.equal(result.code, 1);
  });

  test('tells programs the same as JSON', async () => {
    const result = await validate(bad, '-o', 'json');
    const faults: readonly Record<string, unknown>[] = JSON.parse(result.stdout);
    assert.deepEqual(
      faults.map(({ code, severity, field, file, line, column }) => [
        code,
        severity,
        field,
        file,
        line,
        column,
      ]),
      [
        ['bad-address', 'error', 'spec.peerIP', '<stdin>', 5, 16],
        ['bad-selector', 'error', 'spec.nodeSelector', '<stdin>', 5, 49],
        ['unknown-field', 'error', 'spec.colour', '<stdin>', 5, 55],
        ['duplicate', 'error', undefined, '<stdin>', 12, 1],
      ],
    );
    assert.equal(result.code, 1);
  });

  test('knows what etcd v2 has no place for', async () => {
    const labelled =
      'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n1, labels: {rack: "1"}}\nspec: {bgp: {ipv4Address: 10.0.0.1}}\n';
    assert.equal((await validate(labelled)).code, 0);
    const result = await validate(labelled, '--etcd-api', 'v2');
    assert.match(
      result.stderr,
      /^error: <stdin>:1:1: Node\/n1: etcd v2 has no key for metadata\.labels\.rack/,
    );
    assert.equal(result.code, 1);
  });

  test('called calicoctl, reports as its writing verbs do', async () => {
    const result = await runCli('calicoctl', ['validate', '-f', '-'], {
      stdin: peer('b', '{peerIP: 192.0.2.256, asNumber: 1}'),
    });
    assert.match(
      result.stderr,
      /^Failed to validate 'BGPPeer' resource: \[error with field PeerIP = '192\.0\.2\.256'/,
    );
    assert.equal(result.code, 1);
  });
});

test('diff on files reads them as the other verbs do', async () => {
  const home = await fileHome();
  try {
    const none = await runCli('calico-rr', ['diff', '-f', '-', '--skip-empty'], { env: home.env });
    assert.deepEqual(none, { code: 0, stdout: '', stderr: '' });
  } finally {
    await home.close();
  }
});
