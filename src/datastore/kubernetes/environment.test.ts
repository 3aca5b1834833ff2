import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CalicoRrError } from '../../model/errors.ts';
import { readKubernetesSettings, readSecretsNamespace } from './environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'calico-rr-kubeconfig-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const kubeconfig = file(
  'config',
  `apiVersion: v1
kind: Config
current-context: west
clusters:
  - name: west
    cluster: { server: 'https://west.example:6443/', certificate-authority: ca.pem, tls-server-name: kubernetes }
  - name: east
    cluster:
      server: https://east.example
      certificate-authority-data: ${Buffer.from('CA').toString('base64')}
      insecure-skip-tls-verify: true
      proxy-url: http://proxy.example:3128
contexts:
  - { name: west, context: { cluster: west, user: token } }
  - { name: east, context: { cluster: east, user: cert } }
  - { name: plugin, context: { cluster: west, user: plugin } }
  - { name: file, context: { cluster: west, user: file } }
  - { name: password, context: { cluster: west, user: password } }
  - { name: old, context: { cluster: west, user: old } }
  - { name: lost, context: { cluster: nowhere, user: token } }
users:
  - { name: token, user: { token: secret-token } }
  - name: cert
    user: { client-certificate: /abs/cert.pem, client-key-data: ${Buffer.from('KEY').toString('base64')}, as: boss, as-uid: u1, as-groups: [a, b], as-user-extra: { example.com/team: [net] } }
  - { name: file, user: { tokenFile: token, token: ignored } }
  - { name: password, user: { username: u, password: p } }
  - { name: old, user: { auth-provider: { name: gcp } } }
  - name: plugin
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: ./login
        args: [token]
        env: [{ name: PROFILE, value: x }]
        provideClusterInfo: true
        interactiveMode: Never
`,
);

function refuses(environment: Record<string, string>, ...names: readonly string[]): void {
  assert.throws(
    () => readKubernetesSettings(environment, {}, join(folder, 'no-such-folder')),
    (error) => {
      assert.ok(error instanceof CalicoRrError, String(error));
      assert.equal(error.code, 'E_SETTING');
      for (const name of names)
        assert.ok(`${error.message} ${error.hint}`.includes(name), `${error.message} does not name ${name}`);
      return true;
    },
  );
}

test('the current context says the server, its authority beside the file, and who we are', () => {
  const settings = readKubernetesSettings({ KUBECONFIG: kubeconfig });
  assert.equal(settings.server, 'https://west.example:6443');
  assert.deepEqual(settings.ca, { file: join(folder, 'ca.pem') });
  assert.equal(settings.serverName, 'kubernetes');
  assert.deepEqual(settings.identity, { by: 'token', token: 'secret-token' });
  assert.equal(settings.origin, `context west of ${kubeconfig}`);
  assert.equal(settings.insecureSkipTlsVerify, false);
});

test('a server with a user in its URL is refused, and the password is not shown', () => {
  for (const endpoint of ['https://u:hunter2@west.example', 'u:hunter2@west.example']) {
    assert.throws(
      () => readKubernetesSettings({ K8S_API_ENDPOINT: endpoint }),
      (error) =>
        error instanceof CalicoRrError &&
        error.message === 'K8S_API_ENDPOINT names a server with a user in its URL' &&
        !String(error.hint).includes('hunter2'),
    );
  }
});

test('another context by its variable or flag: inline data, client certificate, proxy, impersonation', () => {
  const settings = readKubernetesSettings({ KUBECONFIG: kubeconfig, K8S_CURRENT_CONTEXT: 'east' });
  assert.deepEqual(settings.ca, { text: 'CA' });
  assert.equal(settings.insecureSkipTlsVerify, true);
  assert.equal(settings.proxyUrl, 'http://proxy.example:3128');
  assert.deepEqual(settings.clientCertificate, { cert: { file: '/abs/cert.pem' }, key: { text: 'KEY' } });
  assert.deepEqual(settings.impersonate, {
    user: 'boss',
    uid: 'u1',
    groups: ['a', 'b'],
    extra: { 'example.com/team': ['net'] },
  });
  const flagged = readKubernetesSettings(
    { KUBECONFIG: kubeconfig, K8S_CURRENT_CONTEXT: 'west' },
    { context: 'east' },
  );
  assert.equal(flagged.server, 'https://east.example');
});

test('a token file wins over a token, and stands beside the kubeconfig', () => {
  const settings = readKubernetesSettings({ KUBECONFIG: kubeconfig }, { context: 'file' });
  assert.deepEqual(settings.identity, { by: 'token-file', file: join(folder, 'token') });
});

test('an exec plugin is taken with everything that it is told', () => {
  const { identity } = readKubernetesSettings({ KUBECONFIG: kubeconfig }, { context: 'plugin' });
  assert.deepEqual(identity, {
    by: 'exec',
    plugin: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './login',
      args: ['token'],
      env: { PROFILE: 'x' },
      provideClusterInfo: true,
      interactiveMode: 'Never',
      folder,
    },
  });
});

test('several files are merged, the first that says something wins', () => {
  const first = file('first', 'current-context: east\nusers: [{name: cert, user: {token: from-first}}]\n');
  const settings = readKubernetesSettings({ KUBECONFIG: `${first}:${join(folder, 'absent')}:${kubeconfig}` });
  assert.equal(settings.server, 'https://east.example');
  assert.deepEqual(settings.identity, { by: 'token', token: 'from-first' });
});

test('without KUBECONFIG the standard file is taken, and without that the service account of the pod', () => {
  const account = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  file('token', 'x');
  const settings = readKubernetesSettings({ ...account, HOME: join(folder, 'nobody') }, {}, folder);
  assert.equal(settings.server, 'https://[fd00::1]:443');
  assert.deepEqual(settings.ca, { file: join(folder, 'ca.crt') });
  assert.deepEqual(settings.identity, { by: 'token-file', file: join(folder, 'token') });
});

test('K8S_ variables override what the kubeconfig says, with the prefix CALICO_ as well', () => {
  const ca = file('ca', 'CA');
  const settings = readKubernetesSettings({
    CALICO_KUBECONFIG: kubeconfig,
    K8S_API_ENDPOINT: 'https://other.example',
    CALICO_K8S_CA_FILE: ca,
    K8S_CERT_FILE: ca,
    K8S_KEY_FILE: ca,
    K8S_INSECURE_SKIP_TLS_VERIFY: 'true',
    USE_POD_CIDR: 'true',
    CALICO_API_GROUP: 'projectcalico.org/v3',
  });
  assert.equal(settings.server, 'https://other.example');
  assert.deepEqual(settings.ca, { file: ca });
  assert.deepEqual(settings.clientCertificate, { cert: { file: ca }, key: { file: ca } });
  assert.equal(settings.insecureSkipTlsVerify, true);
  assert.equal(settings.usePodCidr, true);
  assert.equal(settings.calicoApiGroup, 'projectcalico.org/v3');
});

test('an endpoint and a token are enough', () => {
  const settings = readKubernetesSettings({ K8S_API_ENDPOINT: 'http://127.0.0.1:8001', K8S_API_TOKEN: 't' });
  assert.equal(settings.server, 'http://127.0.0.1:8001');
  assert.deepEqual(settings.identity, { by: 'token', token: 't' });
});

test('a missing or wrong setting names the variable or the entry', () => {
  refuses({}, 'KUBECONFIG');
  refuses({ KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }, 'service account token');
  refuses({ KUBECONFIG: join(folder, 'absent') }, 'KUBECONFIG', 'absent');
  const tagged = file('tagged', 'users:\n- name: a\n  user: {token: !secret text}\n');
  refuses({ KUBECONFIG: tagged }, tagged, 'a value without quotes that is a YAML tag');
  refuses({ KUBECONFIG: kubeconfig, K8S_CURRENT_CONTEXT: 'north' }, 'north', 'west, east');
  refuses({ KUBECONFIG: kubeconfig, K8S_CURRENT_CONTEXT: 'lost' }, 'nowhere', 'clusters');
  refuses({ KUBECONFIG: kubeconfig, K8S_CURRENT_CONTEXT: 'old' }, 'auth-provider', 'gcp', 'exec');
  refuses({ KUBECONFIG: kubeconfig, K8S_CERT_FILE: kubeconfig }, 'K8S_KEY_FILE', 'K8S_CERT_FILE');
  refuses({ KUBECONFIG: kubeconfig, K8S_CA_FILE: '/no/such' }, 'K8S_CA_FILE', '/no/such');
  refuses({ KUBECONFIG: kubeconfig, K8S_INSECURE_SKIP_TLS_VERIFY: 'maybe' }, 'K8S_INSECURE_SKIP_TLS_VERIFY');
  refuses({ KUBECONFIG: kubeconfig, CALICO_API_GROUP: 'v2' }, 'CALICO_API_GROUP');
  refuses({ K8S_API_ENDPOINT: 'west.example:6443' }, 'K8S_API_ENDPOINT');
  refuses({ KUBECONFIG: file('bad', 'clusters: [\n') }, 'bad');
  refuses({ KUBECONFIG: file('none', 'clusters: []\n') }, 'current-context');
});

test('the namespace of the Secrets: as told, else NAMESPACE, else the pod’s, else kube-system', () => {
  const pod = join(folder, 'pod-with-namespace');
  mkdirSync(pod, { recursive: true });
  writeFileSync(join(pod, 'namespace'), 'calico-system\n');
  const environment = { CALICO_RR_SECRETS_NAMESPACE: 'ours', NAMESPACE: 'calicos' };
  assert.equal(readSecretsNamespace(environment, 'told', pod), 'told');
  assert.equal(readSecretsNamespace(environment, null, pod), 'ours');
  assert.equal(readSecretsNamespace({ NAMESPACE: 'calicos' }, null, pod), 'calicos');
  assert.equal(readSecretsNamespace({}, null, pod), 'calico-system');
  assert.equal(readSecretsNamespace({}, null, join(folder, 'nowhere')), 'kube-system');
  assert.throws(() => readSecretsNamespace({}, 'a/b', pod), /--secrets-namespace is "a\/b"/);
});
