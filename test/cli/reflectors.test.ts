/** `rr add|list|remove` on every datastore, by what is in the datastore afterwards. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '../../src/model/resource.ts';
import { runCli } from '../support/cli.ts';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from './homes.ts';

const HOMES: readonly [string, () => Promise<CliHome>][] = [
  ['etcd v2', () => etcdHome('v2')],
  ['etcd v3', () => etcdHome('v3')],
  ['the Kubernetes API', kubernetesHome],
  ['a folder of files', fileHome],
];

for (const [name, open] of HOMES) {
  test(`reflectors come, are listed and go on ${name}`, async () => {
    const home = await open();
    try {
      await comeAndGo(home);
    } finally {
      await home.close();
    }
  });
}

test('an entry that is broken is not in the list, and is told', async () => {
  const home = await fileHome();
  try {
    const spec = '{ipv4: 10.9.0.9, clusterID: 1.0.0}';
    const entry = `apiVersion: calico-rr.io/v1\nkind: RouteReflector\nmetadata: {name: rr9}\nspec: ${spec}\n`;
    writeFileSync(join(home.env.CALICO_RR_FILE ?? '', 'rr9.yaml'), entry);
    const { stdout, stderr } = await runCli('calico-rr', ['rr', 'list'], { env: home.env });
    assert.match(stdout, /^There is no reflector\./);
    assert.match(stderr, /^error: spec\.clusterID is "1\.0\.0", not a cluster ID\. \(RouteReflector\/rr9,/);
  } finally {
    await home.close();
  }
});

async function comeAndGo(home: CliHome): Promise<void> {
  const { env } = home;
  const rr = (...words: readonly string[]) => runCli('calico-rr', ['rr', ...words], { env });
  await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
  await runCli('calico-rr', ['bgp', 'node-mesh', 'off'], { env });

  for (const [address, name] of [
    ['10.9.0.1', 'rr1'],
    ['10.9.0.2', 'rr2'],
  ] as const) {
    const words = ['add', address, '--name', name, '--cluster-id', '1.0.0.1', '--client', 'n1'];
    const added = await rr(...words);
    assert.equal(added.code, 0, added.stderr);
  }
  assert.deepEqual(await specs(home, 'RouteReflector'), [
    { ipv4: '10.9.0.1', clusterID: '1.0.0.1' },
    { ipv4: '10.9.0.2', clusterID: '1.0.0.1' },
  ]);
  assert.deepEqual(await specs(home, 'BGPPeer'), [
    { node: 'n1', peerIP: '10.9.0.1', asNumber: 64512 },
    { node: 'n1', peerIP: '10.9.0.2', asNumber: 64512 },
  ]);

  const again = await rr('add', '10.9.0.1', '--cluster-id', '1.0.0.9');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /RouteReflector\/rr1 is there already/);

  const listed = await rr('list', '-o', 'json');
  assert.equal(listed.code, 0, listed.stderr);
  const rows: readonly { name: string; clients: number; clusterId: string }[] = JSON.parse(listed.stdout);
  assert.deepEqual(
    rows.map(({ name, clients, clusterId }) => [name, clients, clusterId]),
    [
      ['rr1', 1, '1.0.0.1'],
      ['rr2', 1, '1.0.0.1'],
    ],
  );

  const refused = await rr('remove', '10.9.0.1');
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /n1 has too few reflectors \(IPv4: 2 now, 1 after\)/);
  assert.equal((await specs(home, 'RouteReflector')).length, 2);

  const asked = await rr('remove', 'rr1', '--min-reflectors', '1', '--dry-run');
  assert.equal(asked.code, 0, asked.stderr);
  assert.equal((await specs(home, 'RouteReflector')).length, 2);

  const removed = await rr('remove', 'rr1', '--min-reflectors', '1');
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual(await specs(home, 'RouteReflector'), [{ ipv4: '10.9.0.2', clusterID: '1.0.0.1' }]);
  assert.deepEqual(await specs(home, 'BGPPeer'), [{ node: 'n1', peerIP: '10.9.0.2', asNumber: 64512 }]);
}

async function specs(home: CliHome, kind: 'RouteReflector' | 'BGPPeer'): Promise<readonly Json[]> {
  return (await home.datastore.list(kind)).resources.map(({ spec }) => spec);
}

test('what a reflector can be is judged before anything is written', async () => {
  const home = await fileHome();
  try {
    for (const [words, message] of [
      [['10.9.0.256'], /"10.9.0.256" is no IP address/],
      [['10.9.0.1', '10.9.0.2'], /two IPv4 addresses/],
      [['10.9.0.1', '--cluster-id', '0.0.0.0'], /"0.0.0.0" is no cluster ID/],
      [['10.9.0.1', '--peer', '192.0.2.1'], /1 --peer and 0 --as/],
      [['10.9.0.1', '--clients', "rack = '1'"], /clients-of-10.9.0.1.*does not parse/],
    ] as const) {
      const result = await runCli('calico-rr', ['rr', 'add', ...words], { env: home.env });
      assert.notEqual(result.code, 0);
      assert.match(result.stderr, message);
    }
    assert.deepEqual(await specs(home, 'RouteReflector'), []);
    assert.deepEqual(await specs(home, 'BGPPeer'), []);
  } finally {
    await home.close();
  }
});
