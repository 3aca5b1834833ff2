import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { debianTools } from '../../scripts/debian.ts';
import { CalicoRrError } from '../model/errors.ts';
import { type DatastoreFlags, readDatastoreSettings } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'calico-rr-settings-'));
after(() => rmSync(folder, { recursive: true }));
for (const name of ['one', 'other'])
  execFileSync(
    debianTools().openssl,
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ],
      ...[
        '-subj',
        `/CN=${name}`,
        '-keyout',
        join(folder, `${name}.key`),
        '-out',
        join(folder, `${name}.pem`),
      ],
    ],
    { stdio: 'ignore' },
  );
const [one, oneKey, otherKey] = ['one.pem', 'one.key', 'other.key'].map((name) => join(folder, name));

const HTTP = { ETCD_ENDPOINTS: 'http://a:2379' };
const HTTPS = { ETCD_ENDPOINTS: 'https://a:2379' };

/** What is set, and what is read of it. */
const READ: readonly [title: string, env: Record<string, string>, flags: DatastoreFlags, expected: object][] =
  [
    [
      'endpoints alone leave the API open',
      HTTP,
      {},
      { type: 'undecided', etcd: { endpoints: ['http://a:2379'] } },
    ],
    [
      'several endpoints, spaces and slashes at their ends',
      { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: ' http://a:2379/, http://[fd00::1]:2379 ,' },
      {},
      { type: 'etcdv3', etcd: { endpoints: ['http://a:2379', 'http://[fd00::1]:2379'] } },
    ],
    [
      'an authority with its scheme',
      { DATASTORE_TYPE: 'etcdv2', ETCD_AUTHORITY: '10.0.0.1:2379', ETCD_SCHEME: 'https' },
      {},
      { type: 'etcdv2', etcd: { endpoints: ['https://10.0.0.1:2379'], tls: {} } },
    ],
    [
      'an authority without a scheme is http',
      { ETCD_AUTHORITY: 'etcd:4001' },
      {},
      { type: 'undecided', etcd: { endpoints: ['http://etcd:4001'] } },
    ],
    [
      'endpoints win over an authority',
      { ...HTTP, ETCD_AUTHORITY: 'b:1', ETCD_SCHEME: 'https' },
      {},
      { type: 'undecided', etcd: { endpoints: ['http://a:2379'] } },
    ],
    [
      'names with the CALICO_ prefix win',
      { ...HTTP, CALICO_ETCD_ENDPOINTS: 'http://b:2379', CALICO_DATASTORE_TYPE: 'etcdv3' },
      {},
      { type: 'etcdv3', etcd: { endpoints: ['http://b:2379'] } },
    ],
    [
      'flags win over the environment',
      { ...HTTP, DATASTORE_TYPE: 'etcdv3' },
      { etcdApi: 'v2', etcdEndpoints: 'http://b:1' },
      { type: 'etcdv2', etcd: { endpoints: ['http://b:1'] } },
    ],
    [
      'an empty variable is one that is not set',
      { ...HTTP, DATASTORE_TYPE: '', ETCD_CA_CERT_FILE: '' },
      {},
      {
        type: 'undecided',
        etcd: { endpoints: ['http://a:2379'] },
      },
    ],
    ['a file', { DATASTORE_TYPE: 'file', CALICO_RR_FILE: '/x' }, {}, { type: 'file', path: '/x' }],
    ['a file alone needs no type', { CALICO_RR_FILE: '/x' }, {}, { type: 'file', path: '/x' }],
    [
      'a type of etcd leaves a file that is also set',
      { ...HTTP, DATASTORE_TYPE: 'etcdv3', CALICO_RR_FILE: '/x' },
      {},
      { type: 'etcdv3', etcd: { endpoints: ['http://a:2379'] } },
    ],
    [
      'kubernetes by its name',
      { ...HTTP, DATASTORE_TYPE: 'kubernetes' },
      { context: 'east' },
      {
        type: 'kubernetes',
        environment: { ...HTTP, DATASTORE_TYPE: 'kubernetes' },
        kubeconfig: undefined,
        context: 'east',
      },
    ],
    [
      'kubernetes where no etcd is named and a cluster is',
      { KUBECONFIG: '/k' },
      {},
      { type: 'kubernetes', environment: { KUBECONFIG: '/k' }, kubeconfig: undefined, context: undefined },
    ],
    [
      'an etcd that is named, inside a cluster as well',
      { ...HTTP, KUBERNETES_SERVICE_HOST: '10.0.0.1' },
      { etcdApi: 'v3' },
      { type: 'etcdv3', etcd: { endpoints: ['http://a:2379'] } },
    ],
  ];

for (const [title, env, flags, expected] of READ)
  test(`settings: ${title}`, () => assert.deepEqual(readDatastoreSettings(env, flags), expected));

/** What is set, and what the error must name. */
const REFUSED: readonly [title: string, env: Record<string, string>, flags: DatastoreFlags, names: RegExp][] =
  [
    ['nothing at all', {}, {}, /ETCD_ENDPOINTS/],
    ['a type without endpoints', { DATASTORE_TYPE: 'etcdv2' }, {}, /ETCD_ENDPOINTS.*etcdv2/],
    ['an unknown type', { ...HTTP, DATASTORE_TYPE: 'zookeeper' }, {}, /DATASTORE_TYPE.*zookeeper/],
    ['an API of etcd for kubernetes', { DATASTORE_TYPE: 'kubernetes' }, { etcdApi: 'v3' }, /--etcd-api/],
    ['a file without its path', { DATASTORE_TYPE: 'file' }, {}, /CALICO_RR_FILE/],
    [
      'a file and an etcd without a type',
      { ...HTTP, CALICO_RR_FILE: '/x' },
      {},
      /CALICO_RR_FILE and ETCD_ENDPOINTS.*DATASTORE_TYPE/,
    ],
    ['an unknown API', HTTP, { etcdApi: 'v4' }, /--etcd-api.*v4/],
    ['an API for a file', { DATASTORE_TYPE: 'file', CALICO_RR_FILE: '/x' }, { etcdApi: 'v3' }, /--etcd-api/],
    [
      'two flags that differ',
      HTTP,
      { etcdApi: 'v3', datastoreType: 'etcdv2' },
      /--datastore-type.*--etcd-api/,
    ],
    ['an endpoint without a scheme', { ETCD_ENDPOINTS: 'a:2379' }, {}, /"a:2379" in ETCD_ENDPOINTS/],
    ['an endpoint without a port', { ETCD_ENDPOINTS: 'http://a' }, {}, /"http:\/\/a" in ETCD_ENDPOINTS/],
    ['an endpoint with a path', { ETCD_ENDPOINTS: 'http://a:1/v2' }, {}, /ETCD_ENDPOINTS/],
    ['a port out of range', { ETCD_ENDPOINTS: 'http://a:65536' }, {}, /ETCD_ENDPOINTS/],
    ['mixed schemes', { ETCD_ENDPOINTS: 'http://a:1,https://b:1' }, {}, /ETCD_ENDPOINTS mixes/],
    ['only commas', { ETCD_ENDPOINTS: ', ,' }, {}, /ETCD_ENDPOINTS names no endpoint/],
    ['an authority with a scheme in it', { ETCD_AUTHORITY: 'http://a:1' }, {}, /ETCD_AUTHORITY/],
    ['an unknown scheme', { ETCD_AUTHORITY: 'a:1', ETCD_SCHEME: 'tcp' }, {}, /ETCD_SCHEME.*tcp/],
    [
      'a certificate without its key',
      { ...HTTPS, ETCD_CERT_FILE: one ?? '' },
      {},
      /ETCD_CERT_FILE.*ETCD_KEY_FILE/,
    ],
    [
      'a key without its certificate',
      { ...HTTPS, ETCD_KEY_FILE: oneKey ?? '' },
      {},
      /ETCD_KEY_FILE.*ETCD_CERT_FILE/,
    ],
    [
      'a key of another certificate',
      { ...HTTPS, ETCD_CERT_FILE: one ?? '', ETCD_KEY_FILE: otherKey ?? '' },
      {},
      /ETCD_KEY_FILE does not belong/,
    ],
    [
      'a CA file that is not there',
      { ...HTTPS, CALICO_ETCD_CA_CERT_FILE: '/nowhere/ca.pem' },
      {},
      /CALICO_ETCD_CA_CERT_FILE.*\/nowhere\/ca\.pem/,
    ],
    [
      'a CA file that holds no certificate',
      { ...HTTPS, ETCD_CA_CERT_FILE: oneKey ?? '' },
      {},
      /ETCD_CA_CERT_FILE.*no PEM certificate/,
    ],
    ['certificates for http', { ...HTTP, ETCD_CA_CERT_FILE: one ?? '' }, {}, /ETCD_CA_CERT_FILE.*http/],
    ['a user without a password', { ...HTTP, ETCD_USERNAME: 'u' }, {}, /ETCD_USERNAME.*ETCD_PASSWORD/],
    ['a password without a user', { ...HTTP, ETCD_PASSWORD: 'hush' }, {}, /ETCD_PASSWORD.*ETCD_USERNAME/],
    [
      'a password and a file of one',
      { ...HTTP, ETCD_USERNAME: 'u', ETCD_PASSWORD: 'hush', ETCD_PASSWORD_FILE: '/x' },
      {},
      /ETCD_PASSWORD and ETCD_PASSWORD_FILE/,
    ],
    ['a user inside an endpoint', { ETCD_ENDPOINTS: 'http://u:hush@a:1' }, {}, /ETCD_ENDPOINTS has a user/],
  ];

for (const [title, env, flags, names] of REFUSED)
  test(`settings refused: ${title}`, () => {
    assert.throws(
      () => readDatastoreSettings(env, flags),
      (error) => {
        assert.ok(error instanceof CalicoRrError);
        assert.equal(error.code, 'E_SETTING');
        assert.equal(error.exitCode, 2);
        assert.match(error.message, names);
        assert.ok(!`${error.message} ${error.hint}`.includes('hush'), 'a secret is in the message');
        return true;
      },
    );
  });

test('settings: a certificate, its key and a password come from files, the newline at its end left off', () => {
  const env = {
    ...HTTPS,
    ETCD_CERT_FILE: one ?? '',
    ETCD_KEY_FILE: oneKey ?? '',
    ETCD_USERNAME: 'u',
    ETCD_PASSWORD_FILE: '/pw',
  };
  const read = readDatastoreSettings(env, {}, (path) =>
    path === '/pw' ? Buffer.from('hush hush\n') : readFileSync(path),
  );
  assert.ok(read.type === 'undecided');
  assert.equal(read.etcd.password, 'hush hush');
  assert.equal(read.etcd.username, 'u');
  assert.deepEqual(Object.keys(read.etcd.tls ?? {}), ['cert', 'key']);
});
