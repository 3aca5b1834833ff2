/** Session passwords from Secrets of an API server: what is used, what is watched, and what is said when there is none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, suite, test } from 'node:test';
import { KEPT_PASSWORDS, openKeptPasswords } from '../../src/agent/kept-passwords.ts';
import { openKubernetesSecrets } from '../../src/agent/kubernetes-secrets.ts';
import type { SecretSource } from '../../src/agent/secret-source.ts';
import { watchSecrets } from '../../src/datastore/kubernetes/secret-watch.ts';
import type { KubernetesSettings } from '../../src/datastore/kubernetes/settings.ts';
import { rulesOf } from '../standin/kubernetes/access.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../standin/kubernetes/server.ts';
import { until } from '../support/until.ts';
import { type Administrator, administrator, settingsFor } from './kubernetes-home.ts';

const NAMESPACE = 'calico-system';
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const WAIT_MS = 30_000;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'crr-kube-secrets-'));
  folders.push(folder);
  return folder;
}

async function startServer(options: StandInOptions = {}): Promise<{ server: StandIn; admin: Administrator }> {
  const server = await startStandIn(options);
  ends.push(server.stop);
  const settings = { identity: { by: 'token', token: 'admin' }, insecureSkipTlsVerify: false } as const;
  return { server, admin: administrator({ url: server.url, settings }) };
}

interface Opened {
  readonly secrets: SecretSource;
  /** How often a change was told. */
  readonly told: () => number;
}

function open(server: StandIn, more: Partial<KubernetesSettings> = {}, stateDir?: string): Opened {
  const secrets = openKubernetesSecrets({
    watch: (changed) => watchSecrets(settingsFor(server.url, more), NAMESPACE, changed),
    kept: stateDir === undefined ? null : openKeptPasswords(stateDir),
    keepFailed: (error) => assert.fail(String(error)),
    patienceMs: 10_000,
  });
  ends.push(secrets.close);
  let told = 0;
  secrets.watch(() => {
    told += 1;
  });
  return { secrets, told: () => told };
}

function untilValue(secrets: SecretSource, name: string, value: string): Promise<unknown> {
  return until(
    () => {
      const password = secrets.lookUp(name);
      return password.found && password.value === value;
    },
    `the password ${name} to be ${value}`,
    WAIT_MS,
  );
}

function faultOf(secrets: SecretSource, name: string): { code: string; reason: string; hint: string } {
  const password = secrets.lookUp(name);
  assert.ok(!password.found, `${name} has a password`);
  return { code: password.code, reason: password.reason, hint: password.hint ?? '' };
}

suite('passwords from Secrets', () => {
  test('the value of the key is the password, and a change of it is told', async () => {
    const { server, admin } = await startServer();
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { rack: 'battery-staple' } });
    const { secrets, told } = open(server);
    await secrets.expect(new Set(['bgp/rack']));
    assert.deepEqual(secrets.lookUp('bgp/rack'), { found: true, value: 'battery-staple' });
    const before = told();
    await admin('PATCH', `${SECRETS}/bgp`, { stringData: { rack: 'correct-horse' } });
    await untilValue(secrets, 'bgp/rack', 'correct-horse');
    assert.ok(told() > before);
    assert.deepEqual(secrets.problems(), []);
  });

  test('one watch for each Secret that is in use, by its name, and none for others', async () => {
    const { server, admin } = await startServer();
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { a: '1', b: '2' } });
    await admin('POST', SECRETS, { metadata: { name: 'other' }, stringData: { a: '3' } });
    const { secrets } = open(server);
    await secrets.expect(new Set(['bgp/a', 'bgp/b', 'edge']));
    assert.deepEqual(secrets.lookUp('bgp/b'), { found: true, value: '2' });
    await until(() => server.openWatches === 1, 'one watch', WAIT_MS);
    await secrets.expect(new Set(['other/a']));
    await untilValue(secrets, 'other/a', '3');
    const names = (): string[] =>
      server.asked
        .filter(({ method }) => method === 'GET')
        .map(({ query }) => query.get('fieldSelector') ?? 'no selector');
    assert.deepEqual(new Set(names()), new Set(['metadata.name=bgp', 'metadata.name=other']));
    await until(() => server.openWatches === 1, 'the watch of the one in use', WAIT_MS);
    await secrets.expect(new Set());
    await until(() => server.openWatches === 0, 'no watch', WAIT_MS);
  });

  test('a Secret that is not there, and one without the key, say so; when they come that is told', async () => {
    const { server, admin } = await startServer();
    const { secrets } = open(server);
    await secrets.expect(new Set(['bgp/rack']));
    const missing = faultOf(secrets, 'bgp/rack');
    assert.equal(missing.code, 'missing-password');
    assert.match(missing.reason, /there is no Secret bgp in the namespace calico-system/);
    assert.match(missing.hint, /kubectl -n calico-system create secret generic bgp --from-literal=rack=/);
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { tor: 'x' } });
    await until(() => /has no key rack/.test(faultOf(secrets, 'bgp/rack').reason), 'the key', WAIT_MS);
    await admin('PATCH', `${SECRETS}/bgp`, { stringData: { rack: 'here' } });
    await untilValue(secrets, 'bgp/rack', 'here');
  });

  const UNFIT: readonly (readonly [string, string, RegExp, RegExp])[] = [
    [
      'a line break at the end, as echo leaves it',
      Buffer.from('pass\n').toString('base64'),
      /ends with a line break/,
      /printf/,
    ],
    ['what is no text', Buffer.from([0xff, 0xfe, 0x00]).toString('base64'), /is not UTF-8/, /another value/],
    ['81 bytes', Buffer.from('x'.repeat(81)).toString('base64'), /longer than 80 bytes/, /another value/],
    ['nothing', '', /is empty/, /another value/],
  ];
  for (const [what, base64, reason, hint] of UNFIT) {
    test(`${what} is refused, and its value is not told`, async () => {
      const { server, admin } = await startServer();
      await admin('POST', SECRETS, { metadata: { name: 'bgp' }, data: { rack: base64 } });
      const { secrets } = open(server);
      await secrets.expect(new Set(['bgp/rack']));
      const fault = faultOf(secrets, 'bgp/rack');
      assert.equal(fault.code, 'bad-password');
      assert.match(fault.reason, reason);
      assert.match(fault.hint, hint);
      assert.doesNotMatch(JSON.stringify(fault), /pass\b|xxxx/);
    });
  }

  test('promise 5: a Secret that is deleted or turns unfit keeps its last good password, and status says so', async () => {
    const { server, admin } = await startServer();
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { rack: 'battery-staple' } });
    const { secrets } = open(server);
    await secrets.expect(new Set(['bgp/rack']));
    await admin('PATCH', `${SECRETS}/bgp`, { stringData: { rack: 'two\nlines' } });
    const unfit = await until(() => secrets.problems()[0], 'the problem', WAIT_MS);
    assert.equal(unfit.code, 'bad-password');
    await admin('DELETE', `${SECRETS}/bgp`);
    const gone = await until(
      () => secrets.problems().find((problem) => problem.code === 'missing-password'),
      'the other problem',
      WAIT_MS,
    );
    assert.equal(gone.subject, 'Secret/calico-system/bgp');
    assert.match(
      gone.message,
      /there is no Secret bgp .*; the password bgp\/rack that was read last stays in use/,
    );
    assert.deepEqual(secrets.lookUp('bgp/rack'), { found: true, value: 'battery-staple' });
  });

  test('what may not be read says which rule to add; with that rule it is read', async () => {
    const role = (names: string): string => `
kind: Role
metadata: {name: passwords, namespace: ${NAMESPACE}}
rules: [{apiGroups: [""], resources: [secrets], resourceNames: [${names}], verbs: [list, watch]}]
---
kind: RoleBinding
metadata: {name: passwords, namespace: ${NAMESPACE}}
roleRef: {kind: Role, name: passwords}
subjects: [{kind: ServiceAccount, name: calico-rr, namespace: ${NAMESPACE}}]
`;
    let rules = rulesOf(role('other'), 'calico-system:calico-rr');
    const { server, admin } = await startServer({
      tokens: { admin: { name: 'admin', groups: [] }, ours: { name: 'ours', groups: [] } },
      rules: (user) => (user.name === 'admin' ? undefined : rules),
    });
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { rack: 'battery-staple' } });
    const { secrets } = open(server, { identity: { by: 'token', token: 'ours' } });
    await secrets.expect(new Set(['bgp/rack']));
    const fault = faultOf(secrets, 'bgp/rack');
    assert.equal(fault.code, 'no-permission');
    assert.match(
      fault.reason,
      /Secret calico-system\/bgp cannot be read \(secrets "?.*is forbidden: User "ours" cannot list/,
    );
    const rule =
      '{apiGroups: [""], resources: ["secrets"], resourceNames: ["bgp"], verbs: ["list", "watch"]}';
    assert.ok(fault.hint.includes(rule), fault.hint);
    rules = rulesOf(role('bgp'), 'calico-system:calico-rr');
    await untilValue(secrets, 'bgp/rack', 'battery-staple');
    await until(() => server.openWatches === 1, 'the watch', WAIT_MS);
    assert.deepEqual(secrets.problems(), []);
  });

  test('a start while the API server is away uses the passwords of the last run; without them it says what it waits for', async () => {
    const { server, admin } = await startServer();
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { rack: 'battery-staple' } });
    const stateDir = temporaryFolder();
    const first = open(server, {}, stateDir);
    await first.secrets.expect(new Set(['bgp/rack']));
    await first.secrets.close();
    assert.equal(statSync(join(stateDir, KEPT_PASSWORDS)).mode & 0o777, 0o600);
    await server.stop();

    const next = open(server, {}, stateDir);
    await next.secrets.expect(new Set(['bgp/rack']));
    assert.deepEqual(next.secrets.lookUp('bgp/rack'), { found: true, value: 'battery-staple' });
    const stranger = open(server, {}, temporaryFolder());
    await stranger.secrets.expect(new Set(['bgp/rack']));
    assert.match(faultOf(stranger.secrets, 'bgp/rack').reason, /could not be read yet: .*does not answer/);

    await server.start();
    await untilValue(stranger.secrets, 'bgp/rack', 'battery-staple');
    await admin('PATCH', `${SECRETS}/bgp`, { stringData: { rack: 'correct-horse' } });
    await untilValue(next.secrets, 'bgp/rack', 'correct-horse');
  });

  test('a Secret that is gone at the next start is gone: nothing old is used then', async () => {
    const { server, admin } = await startServer();
    await admin('POST', SECRETS, { metadata: { name: 'bgp' }, stringData: { rack: 'battery-staple' } });
    const stateDir = temporaryFolder();
    const first = open(server, {}, stateDir);
    await first.secrets.expect(new Set(['bgp/rack']));
    await first.secrets.close();
    await admin('DELETE', `${SECRETS}/bgp`);
    const next = open(server, {}, stateDir);
    await next.secrets.expect(new Set(['bgp/rack']));
    assert.equal(faultOf(next.secrets, 'bgp/rack').code, 'missing-password');
  });
});
