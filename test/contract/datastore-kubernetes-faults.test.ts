/** What only an API server can do to its clients, each as real ones were seen to do it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Datastore, WatchEvent } from '../../src/datastore/datastore.ts';
import { openKubernetes } from '../../src/datastore/kubernetes/kubernetes.ts';
import type { KubernetesSettings } from '../../src/datastore/kubernetes/settings.ts';
import type { Problem } from '../../src/model/problem.ts';
import type { JsonObject, Kind, Resource } from '../../src/model/resource.ts';
import { forbidden, tooManyRequests, unknownPath } from '../standin/kubernetes/refusals.ts';
import { CALICO_CRDS, CALICO_V3_CRDS, CORE, readCrds } from '../standin/kubernetes/served.ts';
import { type Asked, type StandIn, startStandIn } from '../standin/kubernetes/server.ts';
import { until } from '../support/until.ts';
import { rejectsWith } from './datastore.ts';
import { type Administrator, administrator, settingsFor, TEST_PATIENCE } from './kubernetes-home.ts';
import { follow, type Watched } from './watched.ts';

const ALL: readonly Kind[] = [
  'Node',
  'BGPPeer',
  'BGPConfiguration',
  'IPPool',
  'BlockAffinity',
  'RouteReflector',
];
const PEERS = '/apis/crd.projectcalico.org/v1/bgppeers';
const HEARTBEAT = (time: string): JsonObject => ({
  status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: time }] },
});

suite('Kubernetes: what an API server can do to its clients', () => {
  let standIn: StandIn;
  let admin: Administrator;
  const undo: (() => void | Promise<void>)[] = [];

  before(async () => {
    standIn = await startStandIn({ bookmarkEvery: 50 });
    admin = administrator({ url: standIn.url, settings: settingsFor(standIn.url) });
  });
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
    standIn.serve([...CORE, ...CALICO_CRDS, ...readCrds()]);
    standIn.freezeCache(undefined);
    standIn.store.clear();
  });
  after(() => standIn.stop());

  const open = (more: Partial<KubernetesSettings> = {}): Datastore => {
    const datastore = openKubernetes(settingsFor(standIn.url, more));
    undo.push(() => datastore.close());
    return datastore;
  };
  const intervene = (decide: Parameters<StandIn['intervene']>[0]): (() => void) => {
    const stop = standIn.intervene(decide);
    undo.push(stop);
    return stop;
  };
  const makeNode = async (
    name: string,
    annotations: JsonObject = {},
    more: JsonObject = {},
  ): Promise<void> => {
    const { code, body } = await admin('POST', '/api/v1/nodes', { metadata: { name, annotations }, ...more });
    assert.equal(code, 201, JSON.stringify(body));
  };
  /** A watch whose warnings are kept too. */
  const watchWarned = (
    datastore: Datastore,
    kinds: readonly Kind[] = ALL,
  ): { readonly watched: Watched; warnings(): Problem[] } => {
    const events: WatchEvent[] = [];
    const watched = follow(
      {
        ...datastore,
        async *watch(wanted, options) {
          for await (const event of datastore.watch(wanted, options)) {
            events.push(event);
            yield event;
          }
        },
      },
      kinds,
    );
    undo.push(() => watched.stop());
    return {
      watched,
      warnings() {
        const now = new Map<string, Problem>();
        for (const event of events) {
          if (event.type === 'connection') continue;
          for (const problem of event.warnings ?? []) now.set(problem.subject, problem);
          if (event.type === 'changes') for (const subject of event.settled ?? []) now.delete(subject);
        }
        return [...now.values()];
      },
    };
  };
  const watch = (datastore: Datastore, kinds: readonly Kind[] = ALL): Watched =>
    watchWarned(datastore, kinds).watched;
  /** Waits until the watch has told of a node made just now. */
  const settle = async (watched: Watched, name: string): Promise<void> => {
    await makeNode(name);
    await watched.until(() => watched.resources.has(`Node/${name}`), `Node/${name}`);
  };
  const openWatches = (count: number): Promise<boolean> =>
    until(() => standIn.openWatches === count, `${count} open watches`, 60_000);
  const ready = (watched: Watched): Promise<void> =>
    watched.until(() => watched.snapshots === 1, 'the snapshot');

  test('nodes are listed as metadata alone, from the cache, in pages, and watched with bookmarks', async () => {
    const from = standIn.asked.length;
    const watched = watch(open());
    await ready(watched);
    await openWatches(ALL.length);
    const nodes = standIn.asked.slice(from).filter((asked) => asked.resource === 'nodes');
    assert.deepEqual(
      nodes.map(({ verb }) => verb),
      ['list', 'watch'],
    );
    assert.match(nodes[0]?.accept ?? '', /as=PartialObjectMetadataList/);
    assert.deepEqual(Object.fromEntries(nodes[0]?.query ?? []), { limit: '500', resourceVersion: '0' });
    assert.match(nodes[1]?.accept ?? '', /as=PartialObjectMetadata;/);
    assert.equal(nodes[1]?.query.get('allowWatchBookmarks'), 'true');
  });

  test('heartbeats that change nothing relevant yield nothing and ask nothing', async () => {
    await makeNode('n1', { 'projectcalico.org/IPv4Address': '10.0.0.1/24' });
    const watched = watch(open());
    await ready(watched);
    await openWatches(ALL.length);
    const from = standIn.asked.length;
    for (let beat = 0; beat < 20; beat += 1)
      await admin('PATCH', '/api/v1/nodes/n1/status', HEARTBEAT(`2026-01-01T00:00:${10 + beat}Z`));
    await settle(watched, 'sentinel');
    assert.deepEqual(watched.told(), ['put Node/sentinel']);
    const asked = standIn.asked.slice(from).filter(({ verb }) => verb !== 'patch' && verb !== 'create');
    assert.deepEqual(asked, []);
  });

  test('after heartbeats and a gap, the list anew tells nothing of nodes that are the same', async () => {
    await makeNode('n1', { 'projectcalico.org/IPv4Address': '10.0.0.1/24' });
    const watched = watch(open());
    await ready(watched);
    await admin('PATCH', '/api/v1/nodes/n1/status', HEARTBEAT('2026-01-01T00:00:59Z'));
    standIn.store.compact();
    standIn.cutWatches();
    await settle(watched, 'sentinel');
    assert.deepEqual(watched.told(), ['put Node/sentinel']);
  });

  test('a stream cut in the middle of a line loses nothing and repeats nothing', async () => {
    const watched = watch(open());
    await ready(watched);
    for (const name of ['a', 'b', 'c']) {
      await settle(watched, name);
      standIn.cutWatches({ midLine: true });
    }
    await settle(watched, 'd');
    assert.deepEqual(watched.told(), ['put Node/a', 'put Node/b', 'put Node/c', 'put Node/d']);
  });

  test('bookmarks keep the version fresh: a quiet kind survives the forgetting of history', async () => {
    const watched = watch(open(), ['Node', 'BGPPeer']);
    await ready(watched);
    await settle(watched, 'a');
    // Bookmarks come every 50 ms here; the next one after this write names it.
    await admin('POST', PEERS, { metadata: { name: 'p' }, spec: { peerIP: '10.0.0.9' } });
    await watched.until(() => watched.resources.has('BGPPeer/p'), 'BGPPeer/p');
    const from = standIn.asked.length;
    standIn.cutWatches();
    await settle(watched, 'b');
    assert.deepEqual(
      standIn.asked.slice(from).filter(({ verb }) => verb === 'list'),
      [],
    );
  });

  test('a kind that is forbidden is warned of with the rule to add; the rest works, and it comes when allowed', async () => {
    await makeNode('n1');
    await admin('POST', PEERS, { metadata: { name: 'p' }, spec: { peerIP: '10.0.0.9' } });
    const allow = intervene((asked) => (isPeers(asked) ? refusePeers(asked) : undefined));
    const datastore = open();
    const { watched, warnings } = watchWarned(datastore);
    await ready(watched);
    assert.deepEqual([...watched.resources.keys()], ['Node/n1']);
    assert.equal(watched.connections.at(-1), true);
    const [problem] = warnings();
    assert.equal(problem?.code, 'no-permission');
    assert.match(problem?.message ?? '', /BGPPeer cannot be read: .*cannot list resource "bgppeers"/);
    assert.match(
      problem?.hint ?? '',
      /\{apiGroups: \["crd.projectcalico.org"\], resources: \["bgppeers"\], verbs: \["list", "watch"\]\}/,
    );
    await rejectsWith(datastore.list('BGPPeer'), 'E_DATASTORE_AUTH', 'bgppeers');
    await settle(watched, 'sentinel');
    allow();
    await watched.until(() => watched.resources.has('BGPPeer/p'), 'BGPPeer/p');
    await watched.until(() => warnings().length === 0, 'the warning to be settled');
  });

  test('a permission that is taken away deletes nothing', async () => {
    await admin('POST', PEERS, { metadata: { name: 'p' }, spec: { peerIP: '10.0.0.9' } });
    const { watched, warnings } = watchWarned(open());
    await ready(watched);
    intervene((asked) => (isPeers(asked) ? refusePeers(asked) : undefined));
    standIn.cutWatches();
    await watched.until(() => warnings().length === 1, 'the warning');
    await settle(watched, 'sentinel');
    assert.equal(watched.resources.has('BGPPeer/p'), true);
  });

  test('a cluster that knows nothing of us or of Calico is an empty one, and CRDs that come are found', async () => {
    standIn.serve(CORE);
    await makeNode('n1');
    const datastore = open();
    const { watched, warnings } = watchWarned(datastore);
    await ready(watched);
    assert.deepEqual([...watched.resources.keys()], ['Node/n1']);
    assert.deepEqual(warnings(), []);
    for (const kind of ALL.slice(1)) assert.deepEqual((await datastore.list(kind)).resources, [], kind);
    const entry = reflector('rr1');
    await rejectsWith(datastore.create(entry), 'E_READ_ONLY', 'routereflectors.calico-rr.io');
    standIn.serve([...CORE, ...CALICO_CRDS, ...readCrds()]);
    await datastore.create(entry);
    await watched.until(() => watched.resources.has('RouteReflector/rr1'), 'RouteReflector/rr1');
  });

  test('a 404 said once, by a server that does not know its CRDs yet, deletes nothing', async () => {
    const datastore = open();
    await datastore.create(reflector('rr1'));
    const watched = watch(datastore);
    await ready(watched);
    let denied = 0;
    intervene((asked) => {
      if (asked.resource !== 'routereflectors' || denied > 0) return undefined;
      denied += 1;
      return unknownPath();
    });
    standIn.cutWatches();
    await until(() => denied === 1, 'the 404', 30_000);
    await openWatches(ALL.length);
    await settle(watched, 'sentinel');
    assert.deepEqual(watched.told(), ['put Node/sentinel']);
  });

  test('a CRD that is removed takes its resources along', async () => {
    const datastore = open();
    await datastore.create(reflector('rr1'));
    const watched = watch(datastore);
    await ready(watched);
    standIn.serve([...CORE, ...CALICO_CRDS]);
    standIn.store.removeCollection('routereflectors.calico-rr.io');
    standIn.cutWatches();
    await watched.until(() => !watched.resources.has('RouteReflector/rr1'), 'the deletion');
  });

  test('429 is obeyed: the request is sent again after the time that the server asks for', async () => {
    let refused = 0;
    intervene(() => {
      refused += 1;
      return refused <= 2 ? tooManyRequests(0.05) : undefined;
    });
    const datastore = open();
    await datastore.create(reflector('rr1'));
    assert.equal(refused, 3);
  });

  test('a quorum list that hangs ends with E_DATASTORE_UNREACHABLE', async () => {
    intervene((asked) => (asked.verb === 'list' ? 'hang' : undefined));
    const datastore = open({ patience: { ...TEST_PATIENCE, answer: 200 } });
    await rejectsWith(datastore.list('Node'), 'E_DATASTORE_UNREACHABLE', standIn.url);
  });

  test('a list whose page token expired starts over, and has everything', async () => {
    for (let index = 0; index < 600; index += 1) await makeNode(`n${index}`);
    let pages = 0;
    intervene((asked) => {
      if (asked.verb === 'list') pages += 1;
      if (asked.verb === 'list' && pages === 2) standIn.store.compact();
      return undefined;
    });
    assert.equal((await open().list('Node')).resources.length, 600);
    assert.equal(pages, 3);
  });

  test('a cache that stays behind is passed over, and the list does not go back in time', async () => {
    await makeNode('old');
    const stale = standIn.store.version;
    const watched = watch(open(), ['Node']);
    await ready(watched);
    await settle(watched, 'new');
    standIn.freezeCache(stale);
    standIn.store.compact();
    standIn.cutWatches();
    await settle(watched, 'newest');
    assert.deepEqual(watched.told(), ['put Node/new', 'put Node/newest']);
  });

  test('history that was set back by a restored backup is noticed, and the true difference told', async () => {
    await makeNode('kept');
    const backup = standIn.store.version;
    await makeNode('lost');
    const watched = watch(open({ patience: { ...TEST_PATIENCE, watch: 1000 } }), ['Node']);
    await ready(watched);
    assert.deepEqual([...watched.resources.keys()].sort(), ['Node/kept', 'Node/lost']);
    standIn.store.setBack(backup);
    standIn.cutWatches();
    await watched.until(() => !watched.resources.has('Node/lost'), 'the loss of Node/lost');
    assert.deepEqual(watched.told(), ['delete Node/lost']);
  });

  test('a watch that falls silent is begun again', async () => {
    const watched = watch(open({ patience: { ...TEST_PATIENCE, silence: 300 } }), ['Node']);
    await ready(watched);
    await openWatches(1);
    let hung = 0;
    intervene((asked) => {
      if (asked.verb !== 'watch' || hung > 0) return undefined;
      hung += 1;
      return 'hang';
    });
    standIn.cutWatches();
    await settle(watched, 'sentinel');
    assert.deepEqual(watched.told(), ['put Node/sentinel']);
  });

  test('with only projectcalico.org/v3 served, resources live there and metadata stands in its place', async () => {
    standIn.serve([...CORE, ...CALICO_V3_CRDS]);
    const datastore = open();
    const watched = watch(datastore);
    await ready(watched);
    const peer: Resource = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer',
      metadata: { name: 'tor', labels: { team: 'net' } },
      spec: { peerIP: '10.0.0.9', asNumber: 64999 },
    };
    await datastore.create(peer);
    await watched.until(() => watched.resources.has('BGPPeer/tor'), 'BGPPeer/tor');
    const [stored] = standIn.store.list('bgppeers.projectcalico.org') ?? [];
    assert.deepEqual(Object(stored?.metadata).labels, { team: 'net' });
    assert.equal(Object(stored?.metadata).annotations, undefined);
    assert.equal(stored?.apiVersion, 'projectcalico.org/v3');
  });

  test('a cluster that moves to projectcalico.org/v3 is followed there', async () => {
    await admin('POST', PEERS, { metadata: { name: 'p' }, spec: { peerIP: '10.0.0.9' } });
    const watched = watch(open(), ['Node', 'BGPPeer']);
    await ready(watched);
    standIn.serve([...CORE, ...CALICO_V3_CRDS, ...readCrds()]);
    const moved = '/apis/projectcalico.org/v3/bgppeers';
    await admin('POST', moved, { metadata: { name: 'p' }, spec: { peerIP: '10.0.0.10' } });
    standIn.cutWatches();
    const address = (): unknown => watched.resources.get('BGPPeer/p')?.spec.peerIP;
    await watched.until(() => address() === '10.0.0.10', 'the peer of the new group');
  });

  test('with USE_POD_CIDR the blocks are the pod CIDRs of whole Nodes', async () => {
    const annotations = { 'projectcalico.org/IPv4Address': '10.0.0.1/24' };
    await makeNode('n1', annotations, {
      spec: { podCIDR: '10.65.1.0/24', podCIDRs: ['10.65.1.0/24', 'fd00:1::/64'] },
    });
    const datastore = open({ usePodCidr: true });
    const watched = watch(datastore);
    await ready(watched);
    assert.deepEqual([...watched.resources.keys()].sort(), [
      'BlockAffinity/n1-10-65-1-0-24',
      'BlockAffinity/n1-fd00-1---64',
      'Node/n1',
    ]);
    assert.deepEqual(watched.resources.get('Node/n1')?.spec.bgp, {
      ipv4Address: '10.0.0.1/24',
      ipv4IPIPTunnelAddr: '10.65.1.1',
    });
    assert.equal((await datastore.list('BlockAffinity')).resources.length, 2);
    await admin('DELETE', '/api/v1/nodes/n1');
    await watched.until(() => watched.resources.size === 0, 'all of it to be gone');
  });

  test('the contract of a Node that belongs to Kubernetes: no creating, no deleting, no labels of its kubelet', async () => {
    await makeNode('n1');
    await admin('PATCH', '/api/v1/nodes/n1', { metadata: { labels: { zone: 'a' } } });
    const datastore = open();
    const node: Resource = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'Node',
      metadata: { name: 'n2' },
      spec: {},
    };
    await rejectsWith(datastore.create(node), 'E_READ_ONLY', 'n2');
    await rejectsWith(datastore.delete('Node', 'n1'), 'E_READ_ONLY', 'n1');
    const patch = (labels: JsonObject): Promise<Resource> =>
      datastore.patch('Node', 'n1', { metadata: { labels } });
    await rejectsWith(patch({ zone: 'b' }), 'E_READ_ONLY', 'zone');
    await rejectsWith(patch({ zone: null }), 'E_READ_ONLY', 'zone');
    const patched = await patch({ rack: '7' });
    assert.deepEqual(patched.metadata.labels, { rack: '7', zone: 'a' });
    await rejectsWith(
      datastore.patch('Node', 'n1', { spec: { color: 'red' } }),
      'E_INVALID_RESOURCE',
      'spec.color',
    );
  });

  test('what the server refuses to store is E_INVALID_RESOURCE with its reason', async () => {
    const datastore = open();
    const bad = { ...reflector('rr1'), spec: { ipv4: '10.0.0.9', clusterID: 'one' } };
    await rejectsWith(datastore.create(bad), 'E_INVALID_RESOURCE', 'clusterID');
    await rejectsWith(datastore.create(reflector('Bad_Name')), 'E_INVALID_RESOURCE', 'Bad_Name');
  });
});

function isPeers(asked: Asked): boolean {
  return asked.resource === 'bgppeers' && (asked.verb === 'list' || asked.verb === 'watch');
}

function refusePeers({ verb, group, resource }: Asked) {
  return forbidden({ group, kind: resource }, 'rr-user', verb, resource, 'at the cluster scope');
}

function reflector(name: string): Resource {
  return {
    apiVersion: 'calico-rr.io/v1',
    kind: 'RouteReflector',
    metadata: { name },
    spec: { ipv4: '10.0.0.9', clusterID: '1.0.0.1' },
  };
}
