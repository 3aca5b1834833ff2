/**
 * A real kube-apiserver with its etcd, from the folder that KUBEBUILDER_ASSETS names (as `setup-envtest` fills it):
 * no controllers, no kubelets, one administrator's token. CRDs are made of what the stand-in serves.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import { type Administrator, type ApiServer, administrator } from '../contract/kubernetes-home.ts';
import { CALICO_CRDS, readCrds, type Served } from '../standin/kubernetes/served.ts';
import { unusedPort } from './ports.ts';
import { type RunningProcess, runToEnd, start } from './processes.ts';
import { until } from './until.ts';

const TOKEN = 'token-of-the-test';
const START_MS = 120_000;

/** @param assets the folder with `etcd` and `kube-apiserver` */
export async function startKubeApiServer(assets: string): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'calico-rr-apiserver-'));
  await mkdir(join(folder, 'certificates'));
  const etcdPort = await unusedPort();
  const peerPort = await unusedPort();
  const port = await unusedPort();
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const etcd = await start(join(assets, 'etcd'), [
    ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
  ]);
  const key = join(folder, 'service-account.pem');
  await runToEnd('openssl', ['genrsa', '-out', key, '2048']);
  await writeFile(join(folder, 'tokens.csv'), `${TOKEN},admin,admin,system:masters\n`, { mode: 0o600 });
  const args = [
    ...['--etcd-servers', etcdUrl, '--bind-address', '127.0.0.1', '--secure-port', String(port)],
    ...['--cert-dir', join(folder, 'certificates'), '--token-auth-file', join(folder, 'tokens.csv')],
    ...['--service-account-issuer', 'https://127.0.0.1', '--service-account-key-file', key],
    ...['--service-account-signing-key-file', key, '--service-cluster-ip-range', '10.96.0.0/24'],
    ...['--disable-admission-plugins', 'ServiceAccount', '--authorization-mode', 'RBAC'],
  ];
  const url = `https://127.0.0.1:${port}`;
  const settings = { identity: { by: 'token', token: TOKEN }, insecureSkipTlsVerify: true } as const;
  const admin = administrator({ url, settings });
  let server: RunningProcess | undefined;

  const begin = async (): Promise<void> => {
    server = await start(join(assets, 'kube-apiserver'), args);
    const isReady = async (): Promise<boolean> => {
      const { code } = await admin('GET', '/readyz').catch(() => ({ code: 0 }));
      return code === 200;
    };
    await until(isReady, () => `kube-apiserver to be ready:\n${server?.output().slice(-2000)}`, START_MS);
  };
  await begin();
  for (const served of CALICO_CRDS) await install(admin, served);
  for (const served of readCrds()) await install(admin, served);

  return {
    url,
    port,
    settings,
    async stop() {
      await server?.stop('SIGKILL');
    },
    start: begin,
    async forgetHistory() {
      const { body } = await admin('GET', '/api/v1/nodes?limit=1');
      const version = String(Object(body.metadata).resourceVersion);
      await runToEnd(debianTools().etcdctl, ['--endpoints', etcdUrl, 'compact', version], {
        env: { ETCDCTL_API: '3' },
      });
    },
    async close() {
      await server?.stop('SIGKILL');
      await etcd.stop('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

async function install(admin: Administrator, served: Served): Promise<void> {
  const { group, version, resource, kind, schema = {}, statusSubresource } = served;
  const name = `${resource}.${group}`;
  const made = await admin('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind, plural: resource, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          ...(statusSubresource ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  });
  if (made.code !== 201) throw new Error(`CRD ${name}: ${JSON.stringify(made.body)}`);
  const path = `/apis/${group}/${version}/${resource}`;
  await until(async () => (await admin('GET', path)).code === 200, `${path} to be served`, START_MS);
}
