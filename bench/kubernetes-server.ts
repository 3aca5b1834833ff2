/**
 * The API server of bench/kubernetes.ts, in a process of its own: the stand-in with a cluster of many nodes. It prints
 * its URL; each line on standard input is a number, from then on so many heartbeats a second are written, each as a
 * kubelet writes it: a Node's status and version change, and nothing that peering depends on. It prints `N written`
 * once a second.
 */
import { createInterface } from 'node:readline';
import { isJsonObject } from '../src/model/json.ts';
import type { JsonObject } from '../src/model/resource.ts';
import { startStandIn } from '../test/standin/kubernetes/server.ts';

const [nodes = 0, racks = 1, port = 179] = process.argv.slice(2).map(Number);
const NODES = 'nodes.';
const CALICO = 'crd.projectcalico.org';
/** How often the heartbeats of that time are written. */
const TICK_MS = 20;

const server = await startStandIn();

function put(
  collection: string,
  apiVersion: string,
  kind: string,
  metadata: JsonObject,
  rest: JsonObject,
): void {
  const { name } = metadata;
  server.store.put(collection, String(name), (version) => ({
    apiVersion,
    kind,
    ...rest,
    metadata: { ...metadata, resourceVersion: String(version), uid: `uid-${name}` },
  }));
}

function custom(plural: string, group: string, kind: string, name: string, spec: JsonObject): void {
  put(`${plural}.${group}`, `${group}/v1`, kind, { name }, { spec });
}

custom('bgpconfigurations', CALICO, 'BGPConfiguration', 'default', {
  ...{ asNumber: 64512, nodeToNodeMeshEnabled: false, listenPort: port },
});
for (let rack = 0; rack < racks; rack += 1) {
  for (const second of [0, 1]) {
    const ipv4 = `127.0.${rack}.${1 + second}`;
    custom('routereflectors', 'calico-rr.io', 'RouteReflector', `rr${rack * 2 + second}`, {
      ...{ ipv4, clusterID: `1.0.0.${rack + 1}` },
    });
    const spec = { nodeSelector: `rack == 'r${rack}'`, peerIP: ipv4, asNumber: 64512 };
    custom('bgppeers', CALICO, 'BGPPeer', `rack-${rack}-${second}`, spec);
  }
}

function conditions(heartbeat: string): JsonObject[] {
  return ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
    ...{ type, status: type === 'Ready' ? 'True' : 'False', lastHeartbeatTime: heartbeat },
    message: 'kubelet is posting its status',
  }));
}

/** Of the size that managedFields and annotations give a Node's metadata in life: about 4 kB. */
const FIELDS = Object.fromEntries(
  Array.from({ length: 60 }, (_, at) => [`f:some-field-of-a-node-${at}`, { '.': {} }]),
);

for (let index = 0; index < nodes; index += 1) {
  const name = `node-${index}`;
  const metadata = {
    name,
    labels: { rack: `r${index % racks}`, 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' },
    annotations: {
      'projectcalico.org/IPv4Address': `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}/8`,
    },
    managedFields: [{ manager: 'kubelet', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: FIELDS }],
  };
  put(NODES, 'v1', 'Node', metadata, {
    spec: {},
    status: { conditions: conditions('2026-01-01T00:00:00Z') },
  });
}
process.stdout.write(`${server.url}\n`);

let perSecond = 0;
let written = 0;
let owed = 0;
setInterval(() => {
  owed += (perSecond * TICK_MS) / 1000;
  for (; owed >= 1; owed -= 1) {
    const name = `node-${written % nodes}`;
    const before = server.store.get(NODES, name);
    if (before === undefined) throw new Error(`there is no ${name}`);
    written += 1;
    const metadata = isJsonObject(before.metadata) ? before.metadata : {};
    server.store.put(NODES, name, (version) => ({
      ...before,
      metadata: { ...metadata, resourceVersion: String(version) },
      status: { conditions: conditions(new Date().toISOString()) },
    }));
  }
}, TICK_MS);
setInterval(() => process.stdout.write(`${written} written\n`), 1000);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    perSecond = Number(line);
  })
  .on('close', () => process.exit(0));
