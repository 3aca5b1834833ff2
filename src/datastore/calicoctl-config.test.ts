import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import { readCalicoctlConfig } from './calicoctl-config.ts';

const V3 = 'apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nmetadata: {}\n';

test('fields mean what the variables of the environment mean', () => {
  const { environment, inline } = readCalicoctlConfig(
    'calicoctl.cfg',
    `${V3}spec:\n  etcdEndpoints: https://10.0.0.5:2379\n  etcdKeyFile: /key.pem\n  etcdUsername: u\n  etcdPassword: p\n`,
  );
  assert.deepEqual(environment, {
    ETCD_ENDPOINTS: 'https://10.0.0.5:2379',
    ETCD_KEY_FILE: '/key.pem',
    ETCD_USERNAME: 'u',
    ETCD_PASSWORD: 'p',
    DATASTORE_TYPE: 'etcdv3',
  });
  assert.equal(inline.size, 0);
});

test('a PEM text stands for a file', () => {
  const { environment, inline } = readCalicoctlConfig(
    'calicoctl.cfg',
    `${V3}spec:\n  datastoreType: etcdv3\n  etcdEndpoints: https://a:2379\n  etcdCACert: |\n    PEM\n`,
  );
  assert.equal(inline.get(environment.ETCD_CA_CERT_FILE ?? '')?.toString(), 'PEM\n');
});

test('each era has its own default: etcd v2 for calicoctl 1.x, Kubernetes where no etcd is named', () => {
  const typeOf = (text: string) => readCalicoctlConfig('calicoctl.cfg', text).environment.DATASTORE_TYPE;
  assert.equal(
    typeOf('apiVersion: v1\nkind: calicoApiConfig\nspec: {etcdAuthority: "127.0.0.1:2379"}\n'),
    'etcdv2',
  );
  assert.equal(typeOf(`${V3}spec: {kubeconfig: /k}\n`), 'kubernetes');
});

for (const [title, text, says] of [
  [
    'an unknown key',
    `${V3}spec: {etcdEndpoint: http://a}\n`,
    /^calicoctl\.cfg:4:\d+: the key spec\.etcdEndpoint is not known/,
  ],
  ['another kind', 'apiVersion: projectcalico.org/v3\nkind: Node\n', /no configuration of calicoctl/],
  ['broken YAML', `${V3}spec: [\n`, /^calicoctl\.cfg:\d+:\d+: /],
  [
    'a key and its file',
    `${V3}spec: {etcdKey: PEM, etcdKeyFile: /key.pem}\n`,
    /spec\.etcdKeyFile and its file are both given|are both given/,
  ],
] as const)
  test(`${title} is an error at its place`, () => {
    assert.throws(
      () => readCalicoctlConfig('calicoctl.cfg', text),
      (error) => error instanceof CalicoRrError && error.code === 'E_SETTING' && says.test(error.message),
    );
  });
