/**
 * The how-to guide of Calico for BGP peering, on each home of Calico's resources: from the mesh to reflectors that are
 * labelled nodes without disruption, a peer of all nodes and one of a rack, another AS for all and for one node.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { prepareDebian } from '../../scripts/debian.ts';
import { type BirdDaemon, bgpRoutes, bgpSessions, startBird } from '../support/bird-daemon.ts';
import { checksOf } from '../support/checks.ts';
import {
  type ClusterLab,
  CONVERGE_MS,
  clusterNode,
  clusterResources,
  nodeResource,
  startCluster,
  untilHeld,
  untilSessions,
} from '../support/cluster-lab.ts';
import { monitorAllRoutes } from '../support/kernel-routes.ts';
import {
  type LabHome,
  type StartHome,
  startEtcdHome,
  startFileHome,
  startKubernetesHome,
} from '../support/lab-homes.ts';
import { createLab, type Host, type Lab } from '../support/namespaces.ts';
import { startPings } from '../support/ping.ts';
import { lastingDeletions } from '../support/rack-observation.ts';
import { configuration, resource } from '../support/resources.ts';
import { until } from '../support/until.ts';

const checks = checksOf('howto-walkthrough');
const { check } = checks;

const n1 = clusterNode('n1', 1, 'bird2');
const n2 = clusterNode('n2', 2, 'bird2');
const n3 = clusterNode('n3', 3, 'agent');
// No workloads run on the reflectors.
const rr1 = { ...clusterNode('rr1', 11, 'agent'), workloads: [] };
const rr2 = { ...clusterNode('rr2', 12, 'agent'), workloads: [] };
const PLAIN = [n1, n2, n3];
const REFLECTORS = [rr1, rr2];
const NODES = [...PLAIN, ...REFLECTORS];

const GLOBAL_TOR = { name: 'tor1', ipv4: '10.0.0.101', ipv6: 'fd00:10::101' };
const RACK_TOR = { name: 'tor2', ipv4: '10.0.0.102', ipv6: 'fd00:10::102' };
const TOR_AS = 64567;
const RR_LABEL = { 'route-reflector': 'true' };

let lab: Lab;
let folder = '';

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'crr-'));
  lab = await createLab([
    ...NODES,
    GLOBAL_TOR,
    RACK_TOR,
    { name: 'store', ipv4: '10.0.0.200', ipv6: 'fd00:10::200' },
  ]);
});

after(() => {
  lab?.close();
  if (checks.incomplete) process.stdout.write(`logs of all daemons are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
});

function names(kind: string, peers: readonly { ipv4: string; ipv6: string }[]): readonly string[] {
  return peers.flatMap(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].map((address) => `${kind}_${address.replaceAll(/[.:]/g, '_')}`),
  );
}

function except(plan: (typeof NODES)[number]): typeof NODES {
  return NODES.filter((other) => other !== plan);
}

/** A top-of-rack router that takes whoever of `peers` comes, over IPv4. */
function startTor(host: Host, peers: typeof NODES, id: string): Promise<BirdDaemon> {
  const sessions = peers.map(
    (peer) =>
      `protocol bgp ${peer.name} { local ${host.ipv4} as ${TOR_AS}; neighbor ${peer.ipv4} as 64512; multihop; connect retry time 2; error wait time 1, 4; ipv4 { import all; export none; }; }`,
  );
  const text = `log stderr all;\nrouter id ${host.ipv4};\nprotocol device {}\n${sessions.join('\n')}\n`;
  return startBird(host, '2', join(folder, `${id}-${host.name}`), 'bird', text);
}

/** Pings from each plain node to the next one, in both families; none may be lost. */
async function whilePinging(act: () => Promise<void>): Promise<void> {
  const pings = await startPings(
    PLAIN.flatMap((plan, index) => {
      const other = PLAIN[(index + 1) % PLAIN.length] ?? n1;
      const host = lab.host(plan.name);
      return [
        { host, source: plan.workload4, target: other.workload4 },
        { host, source: plan.workload6, target: other.workload6 },
      ];
    }),
  );
  await act();
  for (const report of await pings.finish()) assert.equal(report.lost, 0, `${report.from} to ${report.to}`);
}

function walk(id: string, start: StartHome): void {
  let home: LabHome;
  let cluster: ClusterLab;

  check(`${id}-no-disruption`, async () => {
    home = await start(lab.host('store'), join(folder, id));
    await home.put(
      ...clusterResources(PLAIN),
      ...REFLECTORS.map((plan) => nodeResource(plan, { routeReflectorClusterID: '244.0.0.1' }, RR_LABEL)),
    );
    cluster = await startCluster(lab, join(folder, `${id}-nodes`), home, NODES);
    await cluster.converged(PLAIN);
    await home.put(
      resource('BGPPeer', 'peer-with-route-reflectors', {
        nodeSelector: 'all()',
        peerSelector: "route-reflector == 'true'",
      }),
    );
    await cluster.refresh();
    for (const plan of PLAIN) {
      const others = PLAIN.filter((other) => other !== plan);
      await untilSessions(cluster, plan.name, [...names('Mesh', others), ...names('Node', REFLECTORS)]);
    }
    for (const plan of REFLECTORS) await untilSessions(cluster, plan.name, names('Node', except(plan)));
    const monitor = await monitorAllRoutes(PLAIN.map((plan) => lab.host(plan.name)));
    await whilePinging(async () => {
      await home.put(configuration({ logSeverityScreen: 'Info', nodeToNodeMeshEnabled: false }));
      await cluster.refresh();
      for (const plan of PLAIN) await untilSessions(cluster, plan.name, names('Node', REFLECTORS));
    });
    assert.deepEqual(lastingDeletions({ events: await monitor.finish(), pings: [] }), []);
    await cluster.converged(PLAIN);
  });

  check(`${id}-tors`, async () => {
    const tors = [
      await startTor(lab.host('tor1'), NODES, id),
      await startTor(lab.host('tor2'), [n1, n2], id),
    ] as const;
    await home.put(
      nodeResource(n1, {}, { rack: 'rack-1' }),
      resource('BGPPeer', 'my-global-peer', { peerIP: GLOBAL_TOR.ipv4, asNumber: TOR_AS }),
      resource('BGPPeer', 'rack1-tor', {
        peerIP: RACK_TOR.ipv4,
        asNumber: TOR_AS,
        nodeSelector: "rack == 'rack-1'",
      }),
    );
    await cluster.refresh();
    const up = async (tor: BirdDaemon): Promise<string> =>
      [...(await bgpSessions(tor))]
        .filter(([, info]) => info.startsWith('Established'))
        .map(([name]) => name)
        .sort()
        .join();
    for (const [tor, wanted] of [
      [tors[0], 'n1,n2,n3,rr1,rr2'],
      [tors[1], 'n1'],
    ] as const) {
      await until(
        async () => (await up(tor)) === wanted,
        async () => `a router to have sessions with ${wanted}; it has ${await up(tor)}`,
        CONVERGE_MS,
      );
    }
    for (const plan of PLAIN) {
      await until(
        async () =>
          (await bgpRoutes(tors[0], plan.block4)).some(
            (route) => route.from === plan.name && route.nextHop === plan.ipv4,
          ),
        `the router of all nodes to learn ${plan.block4} from ${plan.name}`,
        CONVERGE_MS,
      );
    }
    await home.remove('BGPPeer', 'my-global-peer');
    await home.remove('BGPPeer', 'rack1-tor');
    await cluster.refresh();
    await Promise.all(tors.map((tor) => tor.stop()));
    for (const plan of PLAIN) await untilSessions(cluster, plan.name, names('Node', REFLECTORS));
  });

  check(`${id}-global-as`, async () => {
    await home.put(
      configuration({ logSeverityScreen: 'Info', nodeToNodeMeshEnabled: false, asNumber: 64513 }),
    );
    await cluster.refresh();
    await approve(cluster);
    await cluster.converged(PLAIN);
    for (const name of ['n1', 'n2']) {
      const session = await cluster.rendered(name).ask('show protocols all Node_10_0_0_11');
      assert.match(session, /Neighbor AS: +64513\n[\s\S]*Local AS: +64513/);
    }
  });

  check(`${id}-node-as`, async () => {
    await home.put(nodeResource(n1, { asNumber: 64514 }, { rack: 'rack-1' }));
    await cluster.refresh();
    await approve(cluster);
    await untilSessions(cluster, 'n1', names('Node', REFLECTORS));
    const session = await cluster.rendered('n1').ask('show protocols all Node_10_0_0_11');
    assert.match(session, /Neighbor AS: +64513\n[\s\S]*Local AS: +64514/);
    const seen = await cluster.agent('rr1').ask('show protocols all Node_10_0_0_1');
    assert.match(seen, /Neighbor AS: +64514/);
    assert.doesNotMatch(seen, /route-reflector/);
    assert.match(await cluster.agent('rr1').ask('show protocols all Node_10_0_0_2'), /route-reflector/);
    await whilePinging(async () => {});
    await cluster.stop();
    await home.close();
  });
}

/** What restarts sessions of clients is held by both reflectors; a person looks at it and lets it through. */
async function approve(cluster: ClusterLab): Promise<void> {
  for (const { name } of REFLECTORS) {
    const held = await untilHeld(cluster.agent(name));
    await cluster.agent(name).verb(['approve', held.id]);
  }
}

walk('howto-file', startFileHome);
walk('howto-etcd', startEtcdHome);
walk('howto-kubernetes', startKubernetesHome);

checks.allShown();
