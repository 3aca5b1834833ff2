/**
 * The roles of deploy/kubernetes/rbac.yaml and admission.yaml are exactly what is needed: an API server that enforces them
 * sees every call allowed, and no rule grants what no call used. On a cluster with Calico's resources in either group.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { secretsRole } from '../../src/cli/secrets-role-manifest.ts';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { JUDGED_KINDS } from '../../src/datastore/kubernetes/admitted-object.ts';
import { openKubernetes } from '../../src/datastore/kubernetes/kubernetes.ts';
import { watchSecrets } from '../../src/datastore/kubernetes/secret-watch.ts';
import { watchServices } from '../../src/datastore/kubernetes/service-watch.ts';
import type { KubernetesSettings } from '../../src/datastore/kubernetes/settings.ts';
import { isJsonObject } from '../../src/model/json.ts';
import { type Json, KINDS, type Kind, type Resource } from '../../src/model/resource.ts';
import { type Rule, rulesOf } from '../standin/kubernetes/access.ts';
import { CALICO_CRDS, CALICO_V3_CRDS, CORE, readCrds, type Served } from '../standin/kubernetes/served.ts';
import { startStandIn } from '../standin/kubernetes/server.ts';
import { ADMISSION_MANIFEST } from '../support/admission-webhook.ts';
import { until } from '../support/until.ts';
import { administrator, settingsFor } from './kubernetes-home.ts';
import { follow } from './watched.ts';

const MANIFEST = readFileSync(new URL('../../deploy/kubernetes/rbac.yaml', import.meta.url), 'utf8');
const KIND_NAMES = Object.keys(KINDS).filter((key): key is Kind => key in KINDS);
/** As the agent watches: all but what reflectors and nodes report of themselves. */
const WATCHED = KIND_NAMES.filter((kind) => kind !== 'RouteReflectorStatus' && kind !== 'CalicoNodeStatus');

/** A binding of the operators' role, which the manifest leaves to the cluster's administrator. */
const OPERATOR = `${MANIFEST}
---
kind: ClusterRoleBinding
metadata: {name: operators}
roleRef: {kind: ClusterRole, name: calico-rr-operator}
subjects: [{kind: ServiceAccount, name: operator, namespace: people}]
`;

/** Every way in which a resource names a Secret, and one that names an entry of the secrets file. */
const WITH_PASSWORDS = `
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: tor}
spec: {peerIP: 10.0.0.2, asNumber: 64513, password: {secretKeyRef: {name: tor, key: rack}}}
---
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec: {nodeMeshPassword: {secretKeyRef: {name: mesh, key: password}}}
---
apiVersion: calico-rr.io/v1
kind: RouteReflector
metadata: {name: rr1}
spec:
  ipv4: 10.0.0.1
  peers:
    - {ip: 10.0.0.3, asNumber: 64514, passwordRef: edge/one}
    - {ip: 10.0.0.4, asNumber: 64514, passwordRef: of-the-file}
`;

/** What a kind cannot be without. */
const WHOLE: Partial<Record<Kind, Resource['spec']>> = {
  IPPool: { cidr: '10.0.0.0/8' },
  RouteReflector: { ipv4: '10.0.0.9' },
};

/** Every (group, resource, verb) that the rules grant. */
function grants(rules: readonly Rule[]): Set<string> {
  return new Set(
    rules.flatMap((rule) =>
      rule.apiGroups.flatMap((group) =>
        rule.resources.flatMap((resource) => rule.verbs.map((verb) => `${verb} ${resource} "${group}"`)),
      ),
    ),
  );
}

/** What was asked of resources while `work` ran on clusters of both kinds, all of it allowed. */
async function usedBy(
  rules: readonly Rule[],
  work: (datastore: Datastore, openWatches: () => number, settings: KubernetesSettings) => Promise<void>,
): Promise<Set<string>> {
  const used = new Set<string>();
  for (const calico of [CALICO_CRDS, CALICO_V3_CRDS]) {
    const served: readonly Served[] = [...CORE, ...calico, ...readCrds()];
    const standIn = await startStandIn({
      served,
      tokens: { admin: { name: 'admin', groups: [] }, tested: { name: 'tested', groups: [] } },
      rules: (user) => (user.name === 'admin' ? undefined : rules),
    });
    const admin = administrator({
      url: standIn.url,
      settings: { identity: { by: 'token', token: 'admin' }, insecureSkipTlsVerify: false },
    });
    await admin('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
    const settings = settingsFor(standIn.url, { identity: { by: 'token', token: 'tested' } });
    const datastore = openKubernetes(settings);
    try {
      await work(datastore, () => standIn.openWatches, settings);
    } finally {
      await datastore.close();
      await standIn.stop();
    }
    for (const { user, allowed, verb, resource, group } of standIn.asked) {
      if (user !== 'tested' || resource.startsWith('/')) continue;
      assert.ok(allowed, `${verb} of ${resource} in "${group}" is not allowed`);
      used.add(`${verb} ${resource} "${group}"`);
    }
  }
  return used;
}

/** As on a node that announces services, once no other watch is open. */
async function followServices(settings: KubernetesSettings, openWatches: () => number): Promise<void> {
  await until(() => openWatches() === 0, 'no watch', 30_000);
  const watch = watchServices(settings, () => {});
  watch.want('n1');
  await until(() => openWatches() === 2, 'the watches of services', 30_000);
  await watch.close();
}

suite('the RBAC manifest is exactly what is needed', () => {
  test('by a running reflector', async () => {
    const rules = rulesOf(MANIFEST, 'calico-system:calico-rr');
    const used = await usedBy(rules, async (datastore, openWatches, settings) => {
      const watched = follow(datastore, WATCHED);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      const report = resource('RouteReflectorStatus', { state: 'running' });
      const created = await datastore.create(report);
      await datastore.update({ ...created, spec: { state: 'draining' } });
      await datastore.list('RouteReflectorStatus');
      await datastore.delete('RouteReflectorStatus', report.metadata.name);
      await datastore.get('RouteReflectorStatus', report.metadata.name).catch(() => undefined);
      // Watches follow lists; Node, five kinds of Calico's and one of ours.
      await until(() => openWatches() === 7, 'all watches', 30_000);
      await watched.stop();
      await followServices(settings, openWatches);
    });
    assert.deepEqual([...used].sort(), [...grants(rules)].sort());
  });

  test('by the admission webhook', async () => {
    const rules = rulesOf(ADMISSION_MANIFEST, 'calico-system:calico-rr-admission');
    const used = await usedBy(rules, async (datastore, openWatches) => {
      const watched = follow(datastore, JUDGED_KINDS);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      await until(() => openWatches() === JUDGED_KINDS.length, 'all watches', 30_000);
      await watched.stop();
    });
    assert.deepEqual([...used].sort(), [...grants(rules)].sort());
  });

  test('by a person at the verbs', async () => {
    const rules = rulesOf(OPERATOR, 'people:operator');
    const used = await usedBy(rules, async (datastore, openWatches, settings) => {
      await followServices(settings, openWatches);
      for (const kind of KIND_NAMES) {
        await datastore.list(kind);
        if (kind === 'Node')
          await datastore.patch(kind, 'n1', { spec: { bgp: { ipv4Address: '10.0.0.1' } } });
        if (kind === 'BlockAffinity') await datastore.get(kind, 'none').catch(() => undefined);
        if (kind === 'Node' || kind === 'BlockAffinity' || kind === 'CustomFilter') continue;
        const made = await datastore.create(resource(kind, WHOLE[kind] ?? {}));
        await datastore.patch(kind, made.metadata.name, { metadata: { labels: { a: 'b' } } });
        await datastore.delete(kind, made.metadata.name);
      }
    });
    assert.deepEqual([...used].sort(), [...grants(rules)].sort());
  });

  test('by a running reflector that reads passwords: only the Secrets that resources name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crr-rbac-'));
    const file = join(folder, 'resources.yaml');
    writeFileSync(file, WITH_PASSWORDS);
    const { text } = await secretsRole({ file, serviceAccount: 'calico-system:calico-rr' });
    rmSync(folder, { recursive: true });
    const rules = rulesOf(text, 'calico-system:calico-rr');
    assert.deepEqual(
      rules.map(({ resourceNames, namespace }) => ({ resourceNames, namespace })),
      [{ resourceNames: ['edge', 'mesh', 'tor'], namespace: 'calico-system' }],
    );
    const standIn = await startStandIn({ rules: () => rules });
    const watch = watchSecrets(settingsFor(standIn.url), 'calico-system', () => {});
    try {
      watch.want(new Set(['edge', 'mesh', 'tor']));
      await until(() => standIn.openWatches === 3, 'three watches', 60_000);
      assert.deepEqual(
        standIn.asked.filter(({ allowed }) => !allowed),
        [],
      );
      const used = standIn.asked.map(({ verb, resource, group }) => `${verb} ${resource} "${group}"`);
      assert.deepEqual([...new Set(used)].sort(), [...grants(rules)].sort());
      watch.want(new Set(['somebody-elses']));
      await until(() => watch.state('somebody-elses').type === 'forbidden', 'a refusal', 60_000);
    } finally {
      await watch.close();
      await standIn.stop();
    }
  });

  test('and nobody is let near a secret, or given a wildcard', () => {
    for (const document of [MANIFEST, ADMISSION_MANIFEST].flatMap((text) => parseAllDocuments(text))) {
      const value: Json = document.toJS();
      const rules = isJsonObject(value) && Array.isArray(value.rules) ? value.rules : [];
      for (const rule of rules) assert.doesNotMatch(JSON.stringify(rule), /secrets|"\*"/);
    }
  });
});

function resource(kind: Kind, spec: Resource['spec']): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name: 'x' }, spec };
}
