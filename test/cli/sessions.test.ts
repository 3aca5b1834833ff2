/** `sessions` without a name: every speaker's sessions, the same from every datastore that says the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../support/cli.ts';
import { runToEnd } from '../support/processes.ts';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from './homes.ts';

const ROOT = join(import.meta.dirname, '../..');

const HOMES: readonly [string, () => Promise<CliHome>][] = [
  ['etcd v2', () => etcdHome('v2')],
  ['etcd v3', () => etcdHome('v3')],
  ['the Kubernetes API', kubernetesHome],
  ['a folder of files', fileHome],
];

/** The mesh of n3 and n4 with all, and n1 and n2 with two reflectors besides. */
const COMMANDS = [
  'rr add 10.9.0.1 --name rr1 --cluster-id 1.0.0.1 --client n1 --client n2',
  'rr add 10.9.0.2 --name rr2 --cluster-id 1.0.0.1 --client n1 --client n2',
  'rr add 10.9.0.3 --name rr3 --cluster-id 1.0.0.2 --client n3',
];

/** SPEAKER > PEER, and whether it is a client: what stands in all of them, whatever the names of resources. */
const EXPECTED = [
  ...['n1', 'n2'].flatMap((node) => [`${node} > 10.9.0.1`, `${node} > 10.9.0.2`]),
  'n3 > 10.9.0.3',
  ...[1, 2, 3, 4].flatMap((one) =>
    [1, 2, 3, 4].filter((other) => other !== one).map((other) => `n${one} > 10.0.0.${other}`),
  ),
  ...[1, 2].flatMap((one) => [`10.9.0.${one} > 10.0.0.1 client`, `10.9.0.${one} > 10.0.0.2 client`]),
  '10.9.0.3 > 10.0.0.3 client',
  ...[1, 2, 3].flatMap((one) =>
    [1, 2, 3].filter((other) => other !== one).map((other) => `10.9.0.${one} > 10.9.0.${other}`),
  ),
].sort();

interface Speaker {
  readonly speaker: string;
  readonly role: string;
  readonly ipv4: string;
  readonly sessions: readonly { readonly peerAddress: string; readonly client: boolean }[];
}

for (const [name, open] of HOMES) {
  test(`sessions of every speaker, from ${name}`, async () => {
    const home = await open();
    const run = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await runCli('calico-rr', line.split(' '), { env: home.env });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    try {
      for (const place of [1, 2, 3, 4])
        await home.addNode(`n${place}`, { ipv4Address: `10.0.0.${place}/24` });
      for (const command of COMMANDS) await run(command);
      const all: readonly Speaker[] = JSON.parse(await run('sessions -o json'));
      const found = all.flatMap(({ speaker, role, ipv4, sessions }) =>
        sessions.map(({ peerAddress, client }) => {
          const who = role === 'node' ? speaker : ipv4;
          return `${who} > ${peerAddress}${client ? ' client' : ''}`;
        }),
      );
      assert.deepEqual(found.sort(), EXPECTED);
      assert.deepEqual(
        all.find(({ speaker }) => speaker === 'n1'),
        JSON.parse(await run('sessions n1 -o json')),
      );
    } finally {
      await home.close();
    }
  });
}

test('a reader that has seen enough ends it quietly', async () => {
  const line = 'bin/calico-rr sessions -f examples/rack -o json | true';
  assert.equal(await runToEnd('bash', ['-o', 'pipefail', '-c', line], { cwd: ROOT }), '');
});
