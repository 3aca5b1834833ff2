/** Being let in: tokens that rotate, certificates, plugins, proxies, and a connection that is not checked. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { readKubernetesSettings } from '../../src/datastore/kubernetes/environment.ts';
import { openKubernetes, warningsOf } from '../../src/datastore/kubernetes/kubernetes.ts';
import type { KubernetesSettings } from '../../src/datastore/kubernetes/settings.ts';
import { openDatastore, readDatastoreSettings } from '../../src/datastore/open.ts';
import type { User } from '../standin/kubernetes/access.ts';
import { type StandIn, startStandIn } from '../standin/kubernetes/server.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { rejectsWith } from './datastore.ts';
import { settingsFor } from './kubernetes-home.ts';
import { follow, type Watched } from './watched.ts';

const ADMIN: User = { name: 'admin', groups: [] };

suite('Kubernetes: being let in', () => {
  let folder: string;
  let certificates: Certificates;
  let standIn: StandIn;
  const undo: (() => void | Promise<void>)[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'calico-rr-access-'));
    certificates = await makeCertificates(folder);
    const { ca, server } = certificates;
    standIn = await startStandIn({
      tls: { ca: await readFile(ca), cert: await readFile(server.cert), key: await readFile(server.key) },
      tokens: {},
    });
  });
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
    standIn.store.clear();
  });
  after(async () => {
    await standIn.stop();
    await rm(folder, { recursive: true });
  });

  const open = (more: Partial<KubernetesSettings>): Datastore => {
    const datastore = openKubernetes(settingsFor(standIn.url, { ca: { file: certificates.ca }, ...more }));
    undo.push(() => datastore.close());
    return datastore;
  };
  const watch = (datastore: Datastore): Watched => {
    const watched = follow(datastore, ['RouteReflector']);
    undo.push(() => watched.stop());
    return watched;
  };
  const create = (datastore: Datastore, name: string): Promise<unknown> =>
    datastore.create({
      apiVersion: 'calico-rr.io/v1',
      kind: 'RouteReflector',
      metadata: { name },
      spec: { ipv4: '10.0.0.9' },
    });
  const users = (): Set<string> => new Set(standIn.asked.splice(0).map(({ user }) => user));

  test('a service account whose token rotates keeps reading, watching and writing', async () => {
    const token = join(folder, 'token');
    await writeFile(token, 'first\n');
    await writeFile(join(folder, 'ca.crt'), await readFile(certificates.ca));
    standIn.setTokens({ first: ADMIN });
    const environment = {
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(standIn.port),
    };
    const datastore = openKubernetes(readKubernetesSettings(environment, {}, folder));
    undo.push(() => datastore.close());
    const watched = watch(datastore);
    await create(datastore, 'rr1');
    await watched.until(() => watched.resources.has('RouteReflector/rr1'), 'RouteReflector/rr1');
    standIn.setTokens({ second: ADMIN });
    await writeFile(token, 'second\n');
    standIn.cutWatches();
    await create(datastore, 'rr2');
    await watched.until(() => watched.resources.has('RouteReflector/rr2'), 'RouteReflector/rr2');
    assert.equal(watched.connections.includes(false), false);
  });

  test('a token that the server does not know says E_DATASTORE_AUTH and not the token', async () => {
    standIn.setTokens({});
    const datastore = open({ identity: { by: 'token', token: 'wrong-secret' } });
    await rejectsWith(datastore.list('Node'), 'E_DATASTORE_AUTH', '401');
    await assert.rejects(datastore.list('Node'), (error) => !JSON.stringify(error).includes('wrong-secret'));
    await rejectsWith(open({}).list('Node'), 'E_DATASTORE_AUTH', 'system:anonymous');
  });

  test('a client certificate says who we are; one of another authority lets nobody in', async () => {
    users();
    const { client, otherClient } = certificates;
    const right = open({ clientCertificate: { cert: { file: client.cert }, key: { file: client.key } } });
    assert.deepEqual((await right.list('Node')).resources, []);
    assert.deepEqual(users(), new Set(['client']));
    const wrong = open({
      clientCertificate: { cert: { file: otherClient.cert }, key: { file: otherClient.key } },
    });
    await rejectsWith(wrong.list('Node'), 'E_DATASTORE_AUTH');
  });

  test('a server that another authority signed says E_DATASTORE_TLS; a name that is not in it as well', async () => {
    standIn.setTokens({ t: ADMIN });
    const identity = { by: 'token', token: 't' } as const;
    await rejectsWith(
      open({ identity, ca: { file: certificates.otherCa } }).list('Node'),
      'E_DATASTORE_TLS',
      standIn.url,
    );
    await rejectsWith(
      open({ identity, serverName: 'kubernetes' }).list('Node'),
      'E_DATASTORE_TLS',
      standIn.url,
    );
    await rejectsWith(
      open({ identity, ca: { file: join(folder, 'absent') } }).list('Node'),
      'E_DATASTORE_TLS',
      'absent',
    );
  });

  test('insecure-skip-tls-verify works, with a warning that is loud', async () => {
    standIn.setTokens({ t: ADMIN });
    const settings = settingsFor(standIn.url, {
      identity: { by: 'token', token: 't' },
      insecureSkipTlsVerify: true,
    });
    const datastore = openKubernetes(settings);
    undo.push(() => datastore.close());
    assert.deepEqual((await datastore.list('Node')).resources, []);
    const [warning] = warningsOf(settings);
    assert.equal(warning?.code, 'insecure-tls');
    assert.match(warning?.message ?? '', /NOT checked/);
    assert.deepEqual(warningsOf(settingsFor(standIn.url)), []);
  });

  test('the environment alone opens it, and what is unsafe about it is told', async () => {
    standIn.setTokens({ t: ADMIN });
    const environment = {
      ...{ DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: standIn.url },
      ...{ K8S_API_TOKEN: 't', K8S_INSECURE_SKIP_TLS_VERIFY: 'true' },
    };
    const warnings: string[] = [];
    const datastore = await openDatastore(readDatastoreSettings(environment), {
      onWaiting: (reason) => assert.fail(reason),
      onWarning: ({ code }) => warnings.push(code),
      signal: AbortSignal.timeout(30_000),
    });
    undo.push(() => datastore.close());
    assert.equal(datastore.type, 'kubernetes');
    assert.equal(datastore.location, standIn.url);
    await create(datastore, 'rr1');
    assert.deepEqual(warnings, ['insecure-tls']);
  });

  test('an exec plugin gives the token, is told of the cluster, and is asked again when that is refused', async () => {
    const plugin = join(folder, 'login');
    const counter = join(folder, 'counter');
    await writeFile(
      plugin,
      `#!/bin/sh
echo x >> ${counter}
echo "$KUBERNETES_EXEC_INFO" > ${join(folder, 'told')}
n=$(wc -l < ${counter})
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$PREFIX$n'"}}'
`,
    );
    await chmod(plugin, 0o755);
    const datastore = open({
      identity: {
        by: 'exec',
        plugin: {
          ...{ apiVersion: 'client.authentication.k8s.io/v1', command: './login', args: [], folder },
          ...{ env: { PREFIX: 't' }, provideClusterInfo: true, interactiveMode: 'IfAvailable' },
        },
      },
    });
    standIn.setTokens({ t1: ADMIN });
    await Promise.all([datastore.list('Node'), datastore.list('RouteReflector')]);
    await datastore.list('Node');
    assert.equal(await readFile(counter, 'utf8'), 'x\n');
    const told = JSON.parse(await readFile(join(folder, 'told'), 'utf8'));
    assert.equal(told.spec.cluster.server, standIn.url);
    assert.equal(told.spec.interactive, false);
    standIn.setTokens({ t2: ADMIN });
    await datastore.list('Node');
    assert.equal(await readFile(counter, 'utf8'), 'x\nx\n');
  });

  test('an exec plugin that fails is named, with what it said and not what it printed', async () => {
    const failing = async (script: string, about: string): Promise<void> => {
      const command = join(folder, 'failing');
      await writeFile(command, `#!/bin/sh\n${script}\n`);
      await chmod(command, 0o755);
      const plugin = {
        ...{ apiVersion: 'client.authentication.k8s.io/v1', command, args: [], folder, env: {} },
        ...{ provideClusterInfo: false, interactiveMode: 'Never' as const },
      };
      const datastore = open({ identity: { by: 'exec', plugin } });
      await rejectsWith(datastore.list('Node'), 'E_DATASTORE_AUTH', about);
      await assert.rejects(
        datastore.list('Node'),
        (error: Error) => !error.message.includes('hidden-secret'),
      );
    };
    await failing('echo hidden-secret; echo "session expired" >&2; exit 3', 'session expired');
    await failing('echo hidden-secret', 'no ExecCredential');
  });

  test('an HTTP proxy of the kubeconfig is used, and the server is still the one that is checked', async () => {
    standIn.setTokens({ t: ADMIN });
    const tunnels: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      const [host, port] = (request.url ?? '').split(':');
      const far = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        far.pipe(socket).pipe(far);
      });
      for (const end of [far, socket]) end.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    undo.push(() => new Promise<void>((resolve) => proxy.close(() => resolve())));
    const address = proxy.address();
    assert.ok(address !== null && typeof address === 'object');
    const proxyUrl = `http://127.0.0.1:${address.port}`;
    const identity = { by: 'token', token: 't' } as const;
    const datastore = open({ identity, proxyUrl });
    assert.deepEqual((await datastore.list('Node')).resources, []);
    assert.deepEqual(tunnels, [`127.0.0.1:${standIn.port}`]);
    const wrong = open({ identity, proxyUrl, ca: { file: certificates.otherCa } });
    await rejectsWith(wrong.list('Node'), 'E_DATASTORE_TLS');
    await rejectsWith(
      open({ identity, proxyUrl: 'socks5://u:secret@127.0.0.1:1' }).list('Node'),
      'E_SETTING',
      'socks5://***@',
    );
  });

  test('a certificate authority that is exchanged in its file is taken up', async () => {
    standIn.setTokens({ t: ADMIN });
    const ca = join(folder, 'rotating.pem');
    await writeFile(ca, await readFile(certificates.otherCa));
    const datastore = open({ identity: { by: 'token', token: 't' }, ca: { file: ca } });
    await rejectsWith(datastore.list('Node'), 'E_DATASTORE_TLS');
    await writeFile(ca, await readFile(certificates.ca));
    await until(
      () =>
        datastore.list('Node').then(
          () => true,
          () => false,
        ),
      'the new authority to be taken',
      30_000,
    );
  });
});
