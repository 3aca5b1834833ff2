/** Services and EndpointSlices of an API server, as one node sees them: what is watched, and what is told. */
import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import { type ServiceWatch, watchServices } from '../../src/datastore/kubernetes/service-watch.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import { rulesOf } from '../standin/kubernetes/access.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../standin/kubernetes/server.ts';
import { until } from '../support/until.ts';
import { type Administrator, administrator, settingsFor } from './kubernetes-home.ts';

const WAIT_MS = 30_000;
const SLICES = '/apis/discovery.k8s.io/v1/namespaces';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Scene {
  readonly server: StandIn;
  readonly admin: Administrator;
  readonly watch: ServiceWatch;
  /** How often a change was told. */
  readonly told: () => number;
}

async function openScene(options: StandInOptions = {}): Promise<Scene> {
  const server = await startStandIn(options);
  ends.push(server.stop);
  const settings = { identity: { by: 'token', token: 'admin' }, insecureSkipTlsVerify: false } as const;
  let told = 0;
  const watch = watchServices(
    settingsFor(server.url),
    () => {
      told += 1;
    },
    WAIT_MS,
  );
  ends.push(watch.close);
  return { server, admin: administrator({ url: server.url, settings }), watch, told: () => told };
}

function createService(admin: Administrator, namespace: string, spec: JsonObject, status: JsonObject = {}) {
  return admin('POST', `/api/v1/namespaces/${namespace}/services`, {
    metadata: { name: 'web' },
    spec,
    status,
  });
}

function slice(name: string, endpoints: readonly JsonObject[], addressType = 'IPv4'): JsonObject {
  const metadata = { name, labels: { 'kubernetes.io/service-name': 'web' } };
  return { metadata, addressType, endpoints };
}

suite('services as a node sees them', () => {
  test('nothing is asked until a node is wanted, and nothing is followed after', async () => {
    const { server, watch } = await openScene();
    await watch.heard();
    assert.equal(watch.services(), null);
    assert.deepEqual(server.asked, []);
    watch.want('n1');
    await watch.heard();
    assert.deepEqual(watch.services(), []);
    await until(() => server.openWatches === 2, 'two watches', WAIT_MS);
    watch.want(null);
    assert.equal(watch.services(), null);
    await until(() => server.openWatches === 0, 'no watch', WAIT_MS);
  });

  test('two services of one name in two namespaces are two, each with its addresses and its endpoints', async () => {
    const { admin, watch } = await openScene();
    const clusterIPs = ['10.96.0.10', 'fd96::a'];
    const balanced = { type: 'LoadBalancer', clusterIPs, externalTrafficPolicy: 'Local' };
    const ingress = [{ ip: '198.51.100.10' }, { hostname: 'lb.example' }];
    await createService(admin, 'shop', balanced, { loadBalancer: { ingress } });
    await createService(admin, 'blog', {
      type: 'NodePort',
      clusterIP: '10.96.0.11',
      externalIPs: ['192.0.2.1'],
    });
    await createService(admin, 'headless', { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] });
    await createService(admin, 'elsewhere', { type: 'ExternalName', externalName: 'example.org' });
    await admin(
      'POST',
      `${SLICES}/shop/endpointslices`,
      slice('web-4', [{ nodeName: 'n2' }, { nodeName: 'n1' }]),
    );
    await admin('POST', `${SLICES}/shop/endpointslices`, slice('web-6', [{ nodeName: 'n2' }], 'IPv6'));
    await admin('POST', `${SLICES}/shop/endpointslices`, slice('web-name', [{ nodeName: 'n1' }], 'FQDN'));
    watch.want('n1');
    await watch.heard();
    const known = [...(watch.services() ?? [])].sort((a, b) => b.clusterIps.length - a.clusterIps.length);
    assert.deepEqual(known, [
      {
        clusterIps: clusterIPs,
        externalIps: [],
        loadBalancerIps: ['198.51.100.10'],
        local: true,
        endpoints: [4],
      },
      {
        clusterIps: ['10.96.0.11'],
        externalIps: ['192.0.2.1'],
        loadBalancerIps: [],
        local: false,
        endpoints: [],
      },
      { clusterIps: [], externalIps: [], loadBalancerIps: [], local: false, endpoints: [] },
    ]);
  });

  test('an endpoint that becomes ready on the node is told, and one elsewhere is not', async () => {
    const { admin, watch, told } = await openScene();
    const path = `${SLICES}/shop/endpointslices`;
    await createService(admin, 'shop', { clusterIP: '10.96.0.10', externalTrafficPolicy: 'Local' });
    await admin('POST', path, slice('web-1', [{ nodeName: 'n1', conditions: { ready: false } }]));
    watch.want('n1');
    await watch.heard();
    const endpoints = () => watch.services()?.[0]?.endpoints;
    assert.deepEqual(endpoints(), []);
    const heard = told();
    await admin('POST', path, slice('web-2', [{ nodeName: 'n2', conditions: { ready: true } }]));
    await admin('PATCH', `${path}/web-1`, {
      endpoints: [{ nodeName: 'n1', conditions: { ready: true } }],
    });
    await until(() => endpoints()?.[0] === 4, 'the endpoint', WAIT_MS);
    // Events come in their order: that of the other node was heard before.
    assert.equal(told(), heard + 1);
    await admin('DELETE', `${path}/web-1`);
    await until(() => endpoints()?.length === 0, 'the endpoint to go', WAIT_MS);
    await admin('DELETE', '/api/v1/namespaces/shop/services/web');
    await until(() => watch.services()?.length === 0, 'the service to go', WAIT_MS);
  });

  test('what may not be read is a problem with the rule to add; once it may be, services are known', async () => {
    let allowed = false;
    const { watch } = await openScene({ rules: () => (allowed ? undefined : rulesOf('', 'x:y')) });
    watch.want('n1');
    await watch.heard();
    assert.equal(watch.services(), null);
    assert.deepEqual(
      watch.problems().map(({ code, subject }) => `${code} ${subject}`),
      ['no-permission permission/services', 'no-permission permission/endpointslices.discovery.k8s.io'],
    );
    assert.match(watch.problems()[1]?.hint ?? '', /discovery\.k8s\.io.*endpointslices.*list.*watch/);
    allowed = true;
    await until(
      () => watch.services()?.length === 0 && watch.problems().length === 0,
      'the services',
      WAIT_MS,
    );
  });
});
