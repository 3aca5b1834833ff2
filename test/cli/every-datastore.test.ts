/**
 * The verbs on every datastore that Calico has had: the same commands, the same texts, and what each home does with
 * them. Nodes of Kubernetes come and go with the cluster; etcd v2 names peers by their addresses.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { CalicoRrError } from '../../src/model/errors.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from './homes.ts';

interface Home {
  readonly name: string;
  readonly start: () => Promise<CliHome>;
  /** What a peer of this address is called there. */
  readonly peerName: string;
  readonly ownsNodes: boolean;
  readonly hasLabels: boolean;
}

const HOMES: readonly Home[] = [
  {
    name: 'etcd v2',
    start: () => etcdHome('v2'),
    peerName: 'global.10.1.0.1',
    ownsNodes: true,
    hasLabels: false,
  },
  { name: 'etcd v3', start: () => etcdHome('v3'), peerName: 'tor', ownsNodes: true, hasLabels: true },
  { name: 'Kubernetes', start: kubernetesHome, peerName: 'tor', ownsNodes: false, hasLabels: true },
  { name: 'a folder', start: fileHome, peerName: 'tor', ownsNodes: true, hasLabels: true },
];

for (const { name, start, peerName, ownsNodes, hasLabels } of HOMES) {
  suite(`the verbs on ${name}`, () => {
    let home: CliHome;
    before(async () => {
      home = await start();
      await home.addNode('n1', { ipv4Address: '10.0.0.1/24' });
    });
    after(() => home?.close());

    const run = (line: string, stdin = ''): Promise<CliResult> =>
      runCli('calico-rr', line.split(' '), { env: home.env, stdin });
    const says = async (line: string, stdout: string, stdin = ''): Promise<void> => {
      const result = await run(line, stdin);
      assert.equal(result.stderr, '');
      assert.equal(result.stdout, stdout);
      assert.equal(result.code, 0);
    };
    const fails = async (line: string, stderr: RegExp, stdin = ''): Promise<void> => {
      const result = await run(line, stdin);
      assert.match(result.stderr, stderr);
      assert.equal(result.code, 1);
    };
    const peer = (asNumber: number): string =>
      `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: ${peerName}}\nspec: {peerIP: 10.1.0.1, asNumber: ${asNumber}}\n`;

    test('a peer is created, replaced, patched, shown and deleted', async () => {
      await says('create -f -', "Successfully created 1 'BGPPeer' resource(s)\n", peer(65001));
      await fails('create -f -', /^Failed to create 'BGPPeer' resource: \[resource already exists/, peer(1));
      await says('apply -f -', "Successfully applied 1 'BGPPeer' resource(s)\n", peer(65002));
      assert.equal((await home.datastore.get('BGPPeer', peerName)).spec.asNumber, 65002);
      await says('replace -f -', "Successfully replaced 1 'BGPPeer' resource(s)\n", peer(65003));
      await says(
        `patch bgppeer ${peerName} -p {"spec":{"asNumber":65004}}`,
        "Successfully patched 1 'BGPPeer' resource\n",
      );
      await says(`get bgppeer ${peerName} -o jsonpath={.spec.asNumber}`, '65004\n');
      const table = await run('get bgppeers');
      assert.match(
        table.stdout,
        new RegExp(`^NAME +PEERIP +NODE +ASN +\\n${peerName} +10.1.0.1 +\\(global\\) +65004 +\\n\\n$`),
      );
      await says(`delete bgppeer ${peerName}`, "Successfully deleted 1 'BGPPeer' resource(s)\n");
      await assert.rejects(
        home.datastore.get('BGPPeer', peerName),
        (error) => error instanceof CalicoRrError && error.code === 'E_NOT_FOUND',
      );
      // Kubernetes says why in words of its own.
      const cause = name === 'Kubernetes' ? 'bgppeers.crd.projectcalico.org "tor" not found' : '<nil>';
      await fails(
        `get bgppeer ${peerName}`,
        new RegExp(`^resource does not exist: BGPPeer\\(${peerName}\\) with error: ${cause}\n`),
      );
      await fails('replace -f -', /^Failed to replace 'BGPPeer' resource: resource does not exist/, peer(1));
    });

    test('a node gets an AS by patch, and the table shows it', async () => {
      const before = await run('get nodes -o wide');
      assert.equal(
        before.stdout,
        'NAME   ASN       IPV4          IPV6   \nn1     (64512)   10.0.0.1/24          \n\n',
      );
      await says(
        'patch node n1 -p {"spec":{"bgp":{"asNumber":"64514"}}}',
        "Successfully patched 1 'Node' resource\n",
      );
      const { spec } = await home.datastore.get('Node', 'n1');
      assert.deepEqual(spec, { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 64514 } });
    });

    test(`labels ${hasLabels ? 'are set and found by' : 'have no place, and that is said'}`, async () => {
      if (!hasLabels) return fails('label node n1 rack=7', /etcd v2 has no key for metadata.labels.rack/);
      await says('label node n1 rack=7', 'Successfully set label rack on node n1\n');
      await says('get nodes -l rack=7 -o name', 'node/n1\n');
      await says('get nodes -l !has(rack) -o name', '');
      return says('label node n1 rack-', 'Successfully removed label rack from node n1\n');
    });

    test('the configuration is created and patched', async () => {
      const configuration =
        'apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: {asNumber: 64513}\n';
      await says('apply -f -', "Successfully applied 1 'BGPConfiguration' resource(s)\n", configuration);
      await says(
        'patch bgpconfig default -t merge -p {"spec":{"nodeToNodeMeshEnabled":false}}',
        "Successfully patched 1 'BGPConfiguration' resource\n",
      );
      await says(
        'get bgpconfig -o custom-columns=NAME,MESHENABLED,ASNUMBER',
        'NAME      MESHENABLED   ASNUMBER   \ndefault   false         64513      \n\n',
      );
    });

    test('a reflector is created, shown and deleted', async () => {
      const reflector =
        'apiVersion: calico-rr.io/v1\nkind: RouteReflector\nmetadata: {name: rr1}\nspec: {ipv4: 10.0.0.250, clusterID: 1.0.0.1}\n';
      await says('create -f -', "Successfully created 1 'RouteReflector' resource(s)\n", reflector);
      await says(
        'get rr',
        'NAME   IPV4         IPV6   CLUSTERID   GROUP     \nrr1    10.0.0.250          1.0.0.1     default   \n\n',
      );
      await says('delete rr rr1', "Successfully deleted 1 'RouteReflector' resource(s)\n");
    });

    test('what export prints can be applied to it again', async () => {
      const { stdout } = await run('export');
      assert.match(stdout, /^kind: Node$/m);
      assert.match(stdout, /^kind: BGPConfiguration$/m);
      await says('apply -f -', 'Successfully applied 2 resource(s)\n', stdout);
    });

    test(ownsNodes ? 'a node is deleted' : 'a node is the cluster’s to create and delete', async () => {
      if (ownsNodes) return says('delete node n1', "Successfully deleted 1 'Node' resource(s)\n");
      await fails(
        'delete node n1',
        /^Failed to delete 'Node' resource: operation Delete is not supported on Node\(n1\)/,
      );
      const node = 'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n2}\nspec: {}\n';
      return fails('create -f -', /operation Create is not supported on Node\(n2\)/, node);
    });
  });
}
