/** `calico-rr run` is what its name says: a RouteReflector, a Node that is a reflector, or a plain node. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startLocalAgent, temporaryFolder } from '../support/local-agent.ts';
import { loopbackNet } from '../support/loopback-speaker.ts';

const folder = temporaryFolder();
after(() => folder.remove());
const net = await loopbackNet();

const resources = join(folder.path, 'roles.yaml');
writeFileSync(
  resources,
  `
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec: {asNumber: 64512, nodeToNodeMeshEnabled: true, listenPort: ${net.port}}
---
apiVersion: calico-rr.io/v1
kind: RouteReflector
metadata: {name: rr1}
spec: {ipv4: ${net.address(1)}, clusterID: 1.0.0.1}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: reflecting}
spec: {bgp: {ipv4Address: ${net.address(2)}/24, routeReflectorClusterID: 244.0.0.1}}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: plain}
spec: {bgp: {ipv4Address: ${net.address(3)}/24}}
`,
);

const ROLES: readonly (readonly [
  string,
  string,
  { role: string; standing: string; clusterId: string | null },
  RegExp,
])[] = [
  [
    'a RouteReflector entry is a reflector',
    'rr1',
    { role: 'reflector', standing: 'entry', clusterId: '1.0.0.1' },
    /^native$/,
  ],
  [
    'a Node with a cluster ID is a reflector',
    'reflecting',
    { role: 'reflector', standing: 'node', clusterId: '244.0.0.1' },
    /^BIRD 2/,
  ],
  ['a Node without is a plain node', 'plain', { role: 'node', standing: 'node', clusterId: null }, /^BIRD 2/],
];

for (const [index, [what, name, expected, speaksBgp]] of ROLES.entries()) {
  test(`NODENAME decides what runs: ${what}, at the address that is stored`, async () => {
    const agent = await startLocalAgent(join(folder.path, name), ['--no-kernel'], {
      DATASTORE_TYPE: 'file',
      CALICO_RR_FILE: resources,
      NODENAME: name,
      IP: 'autodetect',
    });
    try {
      const { speaker, instance, engine } = await agent.untilStatus(
        'a ready agent',
        (now) => now.ready,
        60_000,
      );
      assert.equal(instance, name);
      assert.deepEqual(
        { role: speaker?.role, standing: speaker?.standing, clusterId: speaker?.clusterId },
        expected,
      );
      assert.match(engine?.name ?? '', speaksBgp);
      assert.deepEqual([speaker?.name, speaker?.ipv4], [name, net.address(index + 1)]);
    } finally {
      await agent.end();
    }
  });
}

test('a name that nobody has is told so, and nothing runs', async () => {
  const agent = await startLocalAgent(join(folder.path, 'nobody'), [], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: resources,
    NODENAME: 'nobody',
  });
  try {
    const { reason } = await agent.untilStatus('the reason', (now) => /nobody/.test(now.reason), 60_000);
    assert.match(reason, /neither a RouteReflector nor a Node is named nobody/);
    assert.equal(agent.birdPid(), undefined);
  } finally {
    await agent.end();
  }
});

test('an entry that is broken from the start makes nobody a standalone reflector; mended, it counts', async () => {
  const ip = net.address(4);
  const file = join(folder.path, 'broken.yaml');
  const entry = (clusterId: string) => `apiVersion: calico-rr.io/v1
kind: RouteReflector
metadata: {name: rr4}
spec: {ipv4: ${ip}, clusterID: ${clusterId}}
`;
  writeFileSync(file, entry('1.0.0'));
  const agent = await startLocalAgent(join(folder.path, 'rr4'), ['--listen', `${ip}:${net.port}`], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
  });
  try {
    const waiting = await agent.untilStatus('the reason', (now) => /rr4/.test(now.reason), 60_000);
    assert.match(waiting.reason, /^RouteReflector\/rr4, which says what this speaker is, cannot be used/);
    assert.deepEqual([waiting.ready, waiting.speaker], [false, null]);
    writeFileSync(file, entry('1.0.0.1'));
    const { speaker } = await agent.untilStatus('a ready agent', (now) => now.ready, 60_000);
    assert.deepEqual([speaker?.standing, speaker?.clusterId], ['entry', '1.0.0.1']);
  } finally {
    await agent.end();
  }
});
