/**
 * The walk-through of Calico's article on route reflectors, on each home of Calico's resources: five nodes in the full
 * mesh, two of them get a cluster ID and a label, two BGPPeers with selectors, the mesh off and an AS of one's own.
 * Three nodes run stock BIRD (one of them BIRD 1.6) on what is rendered for them, the two reflectors `calico-rr run`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { prepareDebian } from '../../scripts/debian.ts';
import { checksOf } from '../support/checks.ts';
import {
  type ClusterLab,
  clusterNode,
  clusterResources,
  nodeResource,
  routesTo,
  startCluster,
  untilHeld,
  untilSessions,
} from '../support/cluster-lab.ts';
import { untilForwards } from '../support/kernel-routes.ts';
import {
  type LabHome,
  type StartHome,
  startEtcdHome,
  startFileHome,
  startKubernetesHome,
} from '../support/lab-homes.ts';
import { createLab, type Lab } from '../support/namespaces.ts';
import { startPings } from '../support/ping.ts';
import { configuration, resource } from '../support/resources.ts';

const checks = checksOf('blog-walkthrough');
const { check } = checks;

const uqwst = clusterNode('uqwst', 1, 'bird2');
const qtwtv = clusterNode('qtwtv', 2, 'bird1');
const volwl = clusterNode('volwl', 3, 'bird2');
const zyisy = clusterNode('zyisy', 11, 'agent');
const rxgks = clusterNode('rxgks', 12, 'agent');
const PLAIN = [uqwst, qtwtv, volwl];
const REFLECTORS = [zyisy, rxgks];
const NODES = [...PLAIN, ...REFLECTORS];

const CLUSTER_ID = '244.0.0.1';
const AS = 63400;

function sessions(kind: 'Mesh' | 'Node', peers: typeof NODES): readonly string[] {
  return peers.flatMap(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].map((address) => `${kind}_${address.replaceAll(/[.:]/g, '_')}`),
  );
}

let lab: Lab;
let folder = '';

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'crr-'));
  lab = await createLab([...NODES, { name: 'store', ipv4: '10.0.0.200', ipv6: 'fd00:10::200' }]);
});

after(() => {
  lab?.close();
  if (checks.incomplete) process.stdout.write(`logs of all daemons are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
});

function walk(id: string, start: StartHome): void {
  let home: LabHome;
  let cluster: ClusterLab;

  check(`${id}-mesh`, async () => {
    home = await start(lab.host('store'), join(folder, id));
    await home.put(...clusterResources(NODES));
    cluster = await startCluster(lab, join(folder, `${id}-nodes`), home, NODES);
    await cluster.converged(NODES);
    for (const plan of NODES) {
      await untilSessions(
        cluster,
        plan.name,
        sessions(
          'Mesh',
          NODES.filter((other) => other !== plan),
        ),
      );
    }
  });

  check(`${id}-reflectors`, async () => {
    await home.put(
      ...REFLECTORS.map((plan) =>
        nodeResource(plan, { routeReflectorClusterID: CLUSTER_ID }, { 'route-reflector': 'true' }),
      ),
    );
    await cluster.refresh();
    for (const plan of PLAIN) {
      for (const family of [4, 6] as const) {
        await untilForwards(lab.host(plan.name), family, routesTo(PLAIN, family, plan), 60_000);
      }
    }
    for (const { name } of REFLECTORS)
      await untilHeld(cluster.agent(name), ({ text }) => text.includes('Mesh_10_0_0_1'));
  });

  check(`${id}-peers`, async () => {
    await home.put(
      resource('BGPPeer', 'node-peer-to-rr', {
        nodeSelector: '!has(route-reflector)',
        peerSelector: 'has(route-reflector)',
      }),
      resource('BGPPeer', 'rr-to-rr-peer', {
        nodeSelector: 'has(route-reflector)',
        peerSelector: 'has(route-reflector)',
      }),
    );
    await cluster.refresh();
    await cluster.converged(NODES);
  });

  check(`${id}-mesh-off`, async () => {
    await home.put(configuration({ logSeverityScreen: 'Info', nodeToNodeMeshEnabled: false, asNumber: AS }));
    await cluster.refresh();
    for (const { name } of REFLECTORS) {
      const agent = cluster.agent(name);
      const held = await untilHeld(agent, (one) => /every client session/.test(one.text));
      await agent.verb(['approve', held.id]);
    }
    for (const { name } of PLAIN) await untilSessions(cluster, name, sessions('Node', REFLECTORS));
    for (const plan of REFLECTORS) {
      await untilSessions(
        cluster,
        plan.name,
        sessions(
          'Node',
          NODES.filter((other) => other !== plan),
        ),
      );
    }
    await cluster.converged(NODES);
    for (const plan of PLAIN) {
      for (const other of PLAIN.filter((one) => one !== plan)) {
        for (const block of [other.block4, other.block6]) {
          for (const route of await cluster.rendered(plan.name).routes(block)) {
            assert.deepEqual(
              [route.originatorId, route.clusterList],
              [other.ipv4, [CLUSTER_ID]],
              `${block} at ${plan.name}`,
            );
          }
        }
      }
      const session = await cluster.rendered(plan.name).ask('show protocols all Node_10_0_0_11');
      assert.match(session, new RegExp(`Neighbor AS: +${AS}`));
    }
    const pings = await startPings(
      PLAIN.flatMap((plan, index) => {
        const other = NODES[index + 1] ?? zyisy;
        const host = lab.host(plan.name);
        return [
          { host, source: plan.workload4, target: other.workload4 },
          { host, source: plan.workload6, target: other.workload6 },
        ];
      }),
    );
    for (const report of await pings.finish()) assert.equal(report.lost, 0, `${report.from} to ${report.to}`);
    await cluster.stop();
    await home.close();
  });
}

walk('blog-file', startFileHome);
walk('blog-etcd', startEtcdHome);
walk('blog-kubernetes', startKubernetesHome);

checks.allShown();
