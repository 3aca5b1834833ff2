/**
 * The sessions of nodes against a second telling of Calico's rules: its three passes (entries of every node, other
 * entries, entries that make others peer back), each over everything, with no index and no care for speed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configuration, labelled, node, resource } from '../../test/support/resources.ts';
import { at, topologyOf } from '../../test/support/topology.ts';

interface PlainNode {
  readonly name: string;
  readonly v4: string | null;
  readonly v6: string | null;
  readonly as: number | null;
  readonly cluster: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number | null;
}

interface PlainPeer {
  readonly name: string;
  readonly local: { readonly node: string } | { readonly nodeSelector: string } | null;
  readonly remote:
    | { readonly peerSelector: string }
    | { readonly ip: string; readonly port: number | null; readonly as: number };
  readonly manual: boolean;
}

interface PlainCluster {
  readonly nodes: readonly PlainNode[];
  readonly peers: readonly PlainPeer[];
  readonly as: number;
  readonly port: number | null;
  readonly mesh: boolean;
}

/** Selectors with their meaning said once more. */
const SELECTORS: Readonly<Record<string, (labels: Readonly<Record<string, string>>) => boolean>> = {
  'has(rr)': (labels) => 'rr' in labels,
  '!has(rr)': (labels) => !('rr' in labels),
  "rack == 'a'": (labels) => labels.rack === 'a',
  "rack in {'a', 'b'} && !has(rr)": (labels) =>
    (labels.rack === 'a' || labels.rack === 'b') && !('rr' in labels),
  "rack != 'a'": (labels) => labels.rack !== 'a',
  'all()': () => true,
  'has(nobody)': () => false,
};

function selects(selector: string, one: PlainNode): boolean {
  return SELECTORS[selector]?.(one.labels) ?? false;
}

function isLocal({ local }: PlainPeer, one: PlainNode): boolean {
  if (local === null) return true;
  return 'node' in local ? local.node === one.name : selects(local.nodeSelector, one);
}

/** The sessions of one node as lines, by address. */
function sessionsOf({ nodes, peers, as, port, mesh }: PlainCluster, self: PlainNode): readonly string[] {
  const sessions = new Map<string, string>();
  const asOf = (one: PlainNode) => one.as ?? as;
  const portOf = (one: PlainNode) => one.port ?? port;
  const families = (one: PlainNode) => [one.v4, one.v6];
  const add = (
    address: string | null | undefined,
    own: string | null | undefined,
    session: {
      type: string;
      port: number | null;
      as: number;
      cluster: string | null;
      calico: boolean;
      why: string;
    },
  ): void => {
    if (!address || !own || families(self).includes(address) || sessions.has(address)) return;
    const client = self.cluster !== null && session.as === asOf(self) && session.cluster !== self.cluster;
    const passive =
      session.type === 'Mesh' ? address > own : session.type === 'Global' && session.calico && address > own;
    const suffix = session.port === null || session.type === 'Mesh' ? '' : `_port_${session.port}`;
    sessions.set(
      address,
      `${session.type}_${address.replaceAll(/[.:]/g, '_')}${suffix} port ${session.port ?? 179} as ${session.as}` +
        `${client ? ' client' : ''}${passive ? ' passive' : ''} ${session.why}`,
    );
  };
  const ordered = [...peers].sort((a, b) => (a.name < b.name ? -1 : 1));

  const remotes = (peer: PlainPeer, type: string): void => {
    const why = `BGPPeer/${peer.name}`;
    const { remote } = peer;
    if ('peerSelector' in remote) {
      for (const other of nodes.filter((one) => one !== self && selects(remote.peerSelector, one))) {
        for (const place of [0, 1]) {
          const session = {
            type,
            port: portOf(other),
            as: asOf(other),
            cluster: other.cluster,
            calico: true,
            why,
          };
          add(families(other)[place], families(self)[place], session);
        }
      }
      return;
    }
    const other = nodes.find((one) => families(one).includes(remote.ip));
    const known = other !== undefined && asOf(other) === remote.as ? portOf(other) : null;
    add(remote.ip, families(self)[remote.ip.includes(':') ? 1 : 0], {
      type,
      port: remote.port ?? known,
      as: remote.as,
      cluster: null,
      calico: other !== undefined,
      why,
    });
  };
  for (const peer of ordered) if (peer.local === null) remotes(peer, 'Global');
  for (const peer of ordered) if (peer.local !== null && isLocal(peer, self)) remotes(peer, 'Node');

  for (const peer of ordered) {
    if (peer.manual) continue;
    const { remote } = peer;
    for (const place of [0, 1]) {
      const own = families(self)[place];
      const isOther =
        'peerSelector' in remote
          ? selects(remote.peerSelector, self)
          : remote.ip === own &&
            remote.as === asOf(self) &&
            (remote.port === null || remote.port === (portOf(self) ?? 179));
      if (!isOther) continue;
      for (const other of nodes.filter((one) => one !== self && isLocal(peer, one))) {
        add(families(other)[place], own, {
          type: 'Node',
          port: portOf(other),
          as: asOf(other),
          cluster: other.cluster,
          calico: true,
          why: `BGPPeer/${peer.name}`,
        });
      }
    }
  }

  if (mesh && self.cluster === null) {
    for (const other of nodes.filter((one) => one !== self && one.cluster === null)) {
      for (const place of [0, 1]) {
        add(families(other)[place], families(self)[place], {
          type: 'Mesh',
          port: portOf(other),
          as: asOf(other),
          cluster: null,
          calico: true,
          why: `Node/${other.name}`,
        });
      }
    }
  }
  return [...sessions.values()].sort();
}

const NAMES = ['n1', 'n2', 'n3', 'n4', 'n9', 'n10'];
const anyAs = fc.constantFrom(null, null, 64512, 65001);
const anyPort = fc.constantFrom(null, null, null, 1790);
const anyNode = (name: string): fc.Arbitrary<PlainNode> =>
  fc.record({
    name: fc.constant(name),
    v4: fc.constantFrom(`10.0.0.${name.slice(1)}`, `10.0.0.${name.slice(1)}`, null),
    v6: fc.constantFrom(`fd00::${name.slice(1)}`, null),
    as: anyAs,
    cluster: fc.constantFrom(null, null, '1.0.0.1', '1.0.0.2'),
    labels: fc.constantFrom<Readonly<Record<string, string>>[]>(
      {},
      { rr: '' },
      { rr: 'x', rack: 'a' },
      { rack: 'a' },
      { rack: 'b' },
    ),
    port: anyPort,
  });
const anyName = fc.constantFrom(...NAMES);
const anySelector = fc.constantFrom(...Object.keys(SELECTORS));
const anyIp = fc.constantFrom('10.0.0.1', '10.0.0.9', '10.0.0.10', 'fd00::2', '192.0.2.1');
const anyPeers = fc.uniqueArray(
  fc.record<PlainPeer>({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    local: fc.oneof(
      fc.constant(null),
      anyName.map((name) => ({ node: name })),
      anySelector.map((nodeSelector) => ({ nodeSelector })),
    ),
    remote: fc.oneof(
      anySelector.map((peerSelector) => ({ peerSelector })),
      fc.record({ ip: anyIp, port: anyPort, as: fc.constantFrom(64512, 65001) }),
    ),
    manual: fc.boolean(),
  }),
  { selector: (peer) => peer.name, maxLength: 5 },
);
const anyCluster: fc.Arbitrary<PlainCluster> = fc.record({
  nodes: fc.tuple(...NAMES.map(anyNode)),
  peers: anyPeers,
  as: fc.constantFrom(64512, 64512, 65001),
  port: anyPort,
  mesh: fc.boolean(),
});

function resourcesOf({ nodes, peers, as, port, mesh }: PlainCluster) {
  return [
    configuration({ asNumber: as, nodeToNodeMeshEnabled: mesh, listenPort: port }),
    ...nodes.flatMap((one) => [
      labelled(
        node(
          one.name,
          [one.v4, one.v6].filter((address) => address !== null),
          {
            asNumber: one.as,
            routeReflectorClusterID: one.cluster,
          },
        ),
        one.labels,
      ),
      configuration({ listenPort: one.port }, `node.${one.name}`),
    ]),
    ...peers.map(({ name, local, remote, manual }) =>
      resource('BGPPeer', name, {
        ...local,
        ...('peerSelector' in remote
          ? remote
          : {
              peerIP:
                remote.port === null
                  ? remote.ip
                  : remote.ip.includes(':')
                    ? `[${remote.ip}]:${remote.port}`
                    : `${remote.ip}:${remote.port}`,
              asNumber: remote.as,
            }),
        reversePeering: manual ? 'Manual' : 'Auto',
      }),
    ),
  ];
}

test('every node of any cluster has the sessions that the three passes of Calico and its mesh give it', () => {
  const met = { Mesh: 0, Global: 0, Node: 0, client: 0, passive: 0 };
  fc.assert(
    fc.property(anyCluster, (cluster) => {
      const topology = topologyOf(...resourcesOf(cluster));
      for (const self of cluster.nodes) {
        const own = [self.v4, self.v6].filter((address) => address !== null);
        if (own.length === 0) continue;
        const lines = topology
          .speaker({ ...at(...own), name: self.name })
          .config()
          .sessions.map(
            (session) =>
              `${session.name} port ${session.peerPort} as ${session.peerAs}${session.client ? ' client' : ''}${session.passive ? ' passive' : ''} ${session.because}`,
          );
        assert.deepEqual([...lines].sort(), sessionsOf(cluster, self), self.name);
        for (const line of lines) {
          for (const word of ['Mesh', 'Global', 'Node', 'client', 'passive'] as const)
            if (line.includes(word)) met[word]++;
        }
      }
    }),
    { numRuns: 1000 },
  );
  for (const [word, count] of Object.entries(met)) assert.ok(count > 500, `${word} was met ${count} times`);
});

test('where nobody is told to peer by hand, a session between two nodes of one mind is there at both ends', () => {
  fc.assert(
    fc.property(anyCluster, (cluster) => {
      const peers = cluster.peers
        .filter(({ remote }) => 'peerSelector' in remote)
        .map((peer) => ({ ...peer, manual: false }));
      const topology = topologyOf(...resourcesOf({ ...cluster, peers }));
      const sessions = new Map(
        cluster.nodes.map((one) => {
          const view = topology.speaker({ name: one.name, ipv4: null, ipv6: null, listenPort: null });
          return [one.name, view.config().sessions] as const;
        }),
      );
      for (const [name, list] of sessions) {
        for (const session of list) {
          const back = sessions
            .get(session.peerName ?? '')
            ?.filter((one) => one.peerName === name && one.family === session.family);
          assert.equal(back?.length, 1, `${name} ${session.name}`);
          assert.deepEqual([back?.[0]?.peerAs, back?.[0]?.localAs], [session.localAs, session.peerAs]);
        }
      }
    }),
    { numRuns: 500 },
  );
});
