/**
 * The admission webhook as an API server meets it: changes that would cut nodes off are denied before they are stored, in
 * words that say what to do; all others pass, also when it is away.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, before, suite, test } from 'node:test';
import { pino } from 'pino';
import { prepareDebian } from '../../scripts/debian.ts';
import { createAdmission } from '../../src/admission/admission.ts';
import { openKubernetes } from '../../src/datastore/kubernetes/kubernetes.ts';
import { isJsonObject, parseJson } from '../../src/model/json.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import { failure } from '../standin/kubernetes/refusals.ts';
import { type StandIn, startStandIn } from '../standin/kubernetes/server.ts';
import {
  configureWebhook,
  SERVICE,
  startAdmission,
  WEBHOOK_CONFIGURATIONS,
} from '../support/admission-webhook.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { runCli } from '../support/cli.ts';
import { runProgram, temporaryFolder } from '../support/local-agent.ts';
import { unusedPort } from '../support/ports.ts';
import type { RunningProcess } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { type Administrator, administrator, settingsFor } from './kubernetes-home.ts';

const CALICO = '/apis/crd.projectcalico.org/v1';
const WAIT_MS = 30_000;
const LABEL = 'route-reflector';

suite('the admission webhook', () => {
  const folder = temporaryFolder();
  let certificates: Certificates;
  let server: StandIn;
  let admin: Administrator;
  let port: number;
  let webhook: RunningProcess;

  const node = (name: string, address: string, more: JsonObject = {}): JsonObject => ({
    metadata: { name, annotations: { 'projectcalico.org/IPv4Address': `${address}/24`, ...more } },
  });
  const labelsOf = async (name: string): Promise<JsonObject> => {
    const { body } = await admin('GET', `/api/v1/nodes/${name}`);
    const metadata = isJsonObject(body.metadata) ? body.metadata : {};
    return isJsonObject(metadata.labels) ? metadata.labels : {};
  };
  const rename = (name: string, dryRun = false) =>
    admin('PATCH', `/api/v1/nodes/${name}${dryRun ? '?dryRun=All' : ''}`, {
      metadata: { labels: { [LABEL]: null, 'route-reflectors': '' } },
    });
  /** Until the webhook has seen what was written: the state that it judges by is a watch's. */
  const denied = (ask: () => ReturnType<Administrator>) =>
    until(
      async () => {
        const answer = await ask();
        return answer.code === 403 && answer;
      },
      'a denial',
      WAIT_MS,
    );

  before(async () => {
    await prepareDebian();
    certificates = await makeCertificates(folder.path);
    port = await unusedPort();
    server = await startStandIn({ services: { [SERVICE]: `https://localhost:${port}` } });
    admin = administrator({
      url: server.url,
      settings: { identity: { by: 'nothing' }, insecureSkipTlsVerify: false },
    });
    await admin('POST', `${CALICO}/bgpconfigurations`, {
      metadata: { name: 'default' },
      spec: { nodeToNodeMeshEnabled: false },
    });
    for (const [index, name] of ['r1', 'r2'].entries()) {
      await admin('POST', '/api/v1/nodes', {
        metadata: {
          name,
          labels: { [LABEL]: '' },
          annotations: {
            'projectcalico.org/IPv4Address': `10.0.0.${index + 1}/24`,
            'projectcalico.org/RouteReflectorClusterID': '1.0.0.1',
          },
        },
      });
    }
    for (const index of [1, 2, 3]) await admin('POST', '/api/v1/nodes', node(`n${index}`, `10.0.1.${index}`));
    await admin('POST', `${CALICO}/bgppeers`, {
      metadata: { name: 'to-reflectors' },
      spec: { nodeSelector: 'all()', peerSelector: `has(${LABEL})` },
    });
    webhook = await startAdmission(server.url, port, certificates.server);
    await configureWebhook(admin, certificates.ca);
  });
  after(async () => {
    await webhook?.stop();
    await server?.stop();
    folder.remove();
  });

  test('a renamed label that leaves nodes with one reflector is denied, in words that name them and the way out', async () => {
    const { code, body } = await rename('r1');
    assert.equal(code, 403);
    assert.equal(body.reason, 'Forbidden');
    const message = String(body.message);
    assert.match(
      message,
      /^admission webhook "admission\.calico-rr\.io" denied the request: this change \([0-9a-f]{8}\) of Node\/r1 would cut nodes off:\n/,
    );
    assert.match(message, /n1, n2 and n3 have too few reflectors \(IPv4: 2 now, 1 after\)/);
    assert.match(
      message,
      /\nIf that is what you want: kubectl annotate nodes r1 --overwrite calico-rr\.io\/allow-loss=[0-9a-f]{8} and do it again\.$/,
    );
    assert.deepEqual(await labelsOf('r1'), { [LABEL]: '' });
  });

  test('a dry run is answered as the real thing, and changes nothing', async () => {
    assert.equal((await rename('r1', true)).code, 403);
    const harmless = await admin('PATCH', '/api/v1/nodes/n1?dryRun=All', {
      metadata: { labels: { zone: 'a' } },
    });
    assert.equal(harmless.code, 200);
    assert.deepEqual(await labelsOf('n1'), {});
  });

  test('heartbeats pass without a question, and harmless changes with one', async () => {
    const before = server.webhookCalls;
    const beat = await admin('PATCH', '/api/v1/nodes/r1/status', { status: { phase: 'Running' } });
    assert.equal(beat.code, 200);
    assert.equal(server.webhookCalls, before);
    const label = await admin('PATCH', '/api/v1/nodes/n1', { metadata: { labels: { zone: 'a' } } });
    assert.equal(label.code, 200);
    const peer = await admin('POST', `${CALICO}/bgppeers`, {
      metadata: { name: 'tor' },
      spec: { peerIP: '192.0.2.1', asNumber: 64513 },
    });
    assert.equal(peer.code, 201);
    assert.equal(server.webhookCalls, before + 2);
  });

  const TAKING: readonly (readonly [string, string, string, JsonObject | undefined])[] = [
    [
      'an address written through the status',
      'PATCH',
      '/api/v1/nodes/r1/status',
      { metadata: { annotations: { 'projectcalico.org/IPv4Address': null } } },
    ],
    [
      'a selector that matches nothing',
      'PATCH',
      `${CALICO}/bgppeers/to-reflectors`,
      { spec: { peerSelector: 'has(route-reflectors)' } },
    ],
    [
      'a selector that cannot be read',
      'PATCH',
      `${CALICO}/bgppeers/to-reflectors`,
      { spec: { peerSelector: 'has(route' } },
    ],
    ['a deletion', 'DELETE', `${CALICO}/bgppeers/to-reflectors`, undefined],
  ];
  for (const [what, method, path, body] of TAKING) {
    test(`denied: ${what}`, async () => {
      const answer = await admin(method, path, body);
      assert.equal(answer.code, 403, JSON.stringify(answer.body));
      assert.match(String(answer.body.message), /would cut nodes off:/);
    });
  }

  test('two changes at once that are each harmless are judged together', async () => {
    const loose = await unusedPort();
    const second = await startAdmission(server.url, loose, certificates.server, ['--min-reflectors', '1']);
    try {
      // Asked directly, so that nothing is stored and no watch tells of the first before the second comes.
      const ask = async (name: string): Promise<JsonObject> => {
        const { body: stored } = await admin('GET', `/api/v1/nodes/${name}`);
        const metadata = isJsonObject(stored.metadata) ? stored.metadata : {};
        const object = { ...stored, metadata: { ...metadata, labels: { 'route-reflectors': '' } } };
        return review(loose, certificates.ca, { name, object, oldObject: stored });
      };
      assert.equal((await ask('r1')).allowed, true);
      const answer = await ask('r2');
      assert.equal(answer.allowed, false);
      assert.match(JSON.stringify(answer.status), /too few reflectors \(IPv4: 2 now, 0 after\)/);
    } finally {
      await second.stop();
    }
  });

  test('where a kind may not be read nothing is judged, and it says which rule is lacking, until it may', async () => {
    const stop = server.intervene(({ resource, verb }) =>
      resource === 'bgppeers' && verb === 'list'
        ? failure(403, 'Forbidden', 'bgppeers is forbidden: User "webhook" cannot list resource "bgppeers"')
        : undefined,
    );
    const admission = createAdmission({
      openDatastore: async () => openKubernetes(settingsFor(server.url)),
      minReflectors: 2,
      log: pino({ enabled: false }),
    });
    const running = admission.run();
    try {
      await until(
        () => /^BGPPeer cannot be read: bgppeers is forbidden/.test(admission.readiness().reason),
        () => `the lack to be told: ${admission.readiness().reason}`,
        WAIT_MS,
      );
      assert.equal(admission.readiness().ready, false);
      const { body: stored } = await admin('GET', '/api/v1/nodes/r1');
      const text = reviewText('r1', { ...stored, metadata: { name: 'r1' } }, stored);
      const blind = await admission.review(text, () => true);
      assert.match(
        JSON.stringify(blind.body),
        /"allowed":true,.*did not judge this change: BGPPeer cannot be read/,
      );
      stop();
      await until(() => admission.readiness().ready, 'it to see everything', WAIT_MS);
      const seeing = await admission.review(text, () => true);
      assert.match(JSON.stringify(seeing.body), /"allowed":false/);
    } finally {
      stop();
      await admission.stop();
      await running;
    }
  });

  test('an annotation lets through the change that it names, and no other', async () => {
    const message = String((await rename('r1')).body.message);
    const id = /allow-loss=([0-9a-f]{8})/.exec(message)?.[1] ?? '';
    const annotate = (value: string | null) =>
      admin('PATCH', '/api/v1/nodes/r1', { metadata: { annotations: { 'calico-rr.io/allow-loss': value } } });
    assert.equal((await annotate('yes')).code, 200);
    const wrong = await rename('r1');
    assert.equal(wrong.code, 403);
    assert.match(
      String(wrong.body.message),
      /Its annotation calico-rr\.io\/allow-loss=yes is of another change\./,
    );
    assert.equal((await annotate(id)).code, 200);
    const other = await admin('PATCH', '/api/v1/nodes/r1', { metadata: { labels: { [LABEL]: null } } });
    assert.equal(other.code, 403);
    assert.equal((await rename('r1')).code, 200);
    assert.deepEqual(await labelsOf('r1'), { 'route-reflectors': '' });
    await until(
      () => /change let through by its annotation/.test(webhook.output()),
      () => `its log to tell of it: ${webhook.output()}`,
      WAIT_MS,
    );
    const back = await admin('PATCH', '/api/v1/nodes/r1', {
      metadata: { labels: { [LABEL]: '', 'route-reflectors': null } },
    });
    assert.equal(back.code, 200);
    await annotate(null);
    await denied(() => rename('r1', true));
  });

  test('our own verbs tell the refusal in its own words, and what the override says as warnings', async () => {
    const run = (value: string | null) => {
      const patch = {
        metadata: { annotations: { 'calico-rr.io/allow-loss': value } },
        spec: { peerSelector: 'has(x)' },
      };
      const words = ['patch', 'bgppeer', 'to-reflectors', '--yes', '-p', JSON.stringify(patch)];
      return runCli('calico-rr', words, {
        env: { DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: server.url },
      });
    };
    const refused = await run(null);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /admission webhook "admission\.calico-rr\.io" denied the request: this change/,
    );
    assert.match(refused.stderr, /No permission is lacking/);
    assert.doesNotMatch(refused.stderr, /Add this rule/);
    const id = /allow-loss=([0-9a-f]{8})/.exec(refused.stderr)?.[1] ?? '';
    const through = await run(id);
    assert.equal(through.code, 0, through.stderr);
    assert.match(
      through.stderr,
      new RegExp(`^Warning: let through by calico-rr\\.io/allow-loss=${id}: `, 'm'),
    );
    const back = { spec: { peerSelector: `has(${LABEL})` } };
    assert.equal((await admin('PATCH', `${CALICO}/bgppeers/to-reflectors`, back)).code, 200);
    await denied(() => rename('r1', true));
  });

  test('a certificate that is replaced is served without a restart', async () => {
    const other = temporaryFolder();
    const fresh = await makeCertificates(other.path);
    copyFileSync(fresh.server.cert, certificates.server.cert);
    copyFileSync(fresh.server.key, certificates.server.key);
    const answer = await until(
      async () => {
        try {
          return (await send('GET', port, '/readyz', fresh.ca)).code;
        } catch {
          return undefined;
        }
      },
      'the new certificate',
      WAIT_MS,
    );
    assert.equal(answer, 200);
    await admin('DELETE', `${WEBHOOK_CONFIGURATIONS}/calico-rr`);
    await configureWebhook(admin, fresh.ca);
    assert.equal((await rename('r2', true)).code, 403);
    other.remove();
  });

  test('while it is away, everything passes (failurePolicy Ignore)', async () => {
    await webhook.stop('SIGTERM');
    assert.match(webhook.output(), /calico-rr admission ends/);
    assert.equal((await rename('r1')).code, 200);
  });

  test('with etcd or files there is nobody to ask: it does not start, and says what protects there', async () => {
    const { code, stderr } = await runProgram(
      ['admission', '--tls-cert', certificates.server.cert, '--tls-key', certificates.server.key],
      { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: 'http://127.0.0.1:1' },
    );
    assert.equal(code, 2);
    assert.match(stderr, /the datastore is etcdv3, and only a Kubernetes API server asks/);
    const mixed = await runProgram(
      ['admission', '--tls-cert', certificates.server.cert, '--tls-key', certificates.client.key],
      { DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: server.url },
    );
    assert.equal(mixed.code, 2);
    assert.match(mixed.stderr, /does not belong to the certificate/);
  });
});

/** An AdmissionReview of an UPDATE of a Node. */
function reviewText(name: string, object: JsonObject, oldObject: JsonObject): string {
  const resource = { group: '', version: 'v1', resource: 'nodes' };
  const asked = { uid: name, operation: 'UPDATE', dryRun: false, resource, name, object, oldObject };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
}

/** One review of an UPDATE of a Node, over TLS. @returns its response */
async function review(
  port: number,
  caFile: string,
  { name, object, oldObject }: { name: string; object: JsonObject; oldObject: JsonObject },
): Promise<JsonObject> {
  const body = reviewText(name, object, oldObject);
  const { text } = await send('POST', port, '/validate', caFile, body);
  const value = parseJson(text);
  const response = isJsonObject(value) ? value.response : undefined;
  assert.ok(isJsonObject(response), text);
  return response;
}

function send(
  method: 'GET' | 'POST',
  port: number,
  path: string,
  caFile: string,
  body = '',
): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const options = { method, agent: false, ca: readFileSync(caFile), servername: 'localhost' };
    const asked = request(`https://localhost:${port}${path}`, options, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
