/**
 * Every command of calicoctl on BGP resources, called by that name on a real etcd v3: what it prints, how it ends, and
 * what is in etcd after it. The texts are calicoctl's of v3.30. One etcd for all: the steps build on each other.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isJsonObject, parseJson } from '../../src/model/json.ts';
import type { Json, JsonObject } from '../../src/model/resource.ts';
import { runCli } from '../support/cli.ts';
import { type EtcdCliHome, etcdHome } from './homes.ts';

const KEYS = '/calico/resources/v3/projectcalico.org';

let home: EtcdCliHome;
let folder: string;

before(async () => {
  home = await etcdHome('v3');
  folder = mkdtempSync(join(tmpdir(), 'calico-rr-table-'));
  writeFileSync(join(folder, 'nodes.yaml'), NODES);
  writeFileSync(join(folder, 'empty.yaml'), '# nothing yet\n');
  writeFileSync(
    join(folder, 'calicoctl.cfg'),
    `apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nmetadata:\nspec: {etcdEndpoints: ${home.env.ETCD_ENDPOINTS}}\n`,
  );
  mkdirSync(join(folder, 'dir/inner'), { recursive: true });
  writeFileSync(join(folder, 'dir/one.yaml'), peer('from-dir', '10.9.0.1', 65001));
  writeFileSync(join(folder, 'dir/two.json'), JSON.stringify(peerJson('from-json', '10.9.0.2', 65002)));
  writeFileSync(join(folder, 'dir/notes.txt'), 'no resource');
  writeFileSync(join(folder, 'dir/inner/three.yml'), peer('from-inner', '10.9.0.3', 65003));
});

after(async () => {
  await home?.close();
  rmSync(folder, { recursive: true, force: true });
});

const NODES = `
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: w1}
spec: {bgp: {ipv4Address: 10.0.0.3/24}}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: w3, labels: {rack: "7"}}
spec: {bgp: {ipv4Address: 10.7.0.3/24, asNumber: 65007}}
`;

function peerJson(name: string, peerIP: string, asNumber: number): JsonObject {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPPeer',
    metadata: { name },
    spec: { peerIP, asNumber },
  };
}

function peer(name: string, peerIP: string, asNumber: number): string {
  return `apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: ${name}}
spec: {peerIP: ${peerIP}, asNumber: ${asNumber}}
`;
}

async function stored(plural: string, name: string): Promise<JsonObject | undefined> {
  const value = parseJson((await home.etcd.getV3(`${KEYS}/${plural}/${name}`)) ?? 'null');
  return isJsonObject(value) ? value : undefined;
}

async function spec(plural: string, name: string): Promise<Json | undefined> {
  return (await stored(plural, name))?.spec;
}

async function names(plural: string): Promise<readonly string[]> {
  const keys = await home.etcd.listV3(`${KEYS}/${plural}/`);
  return [...keys.keys()].map((key) => key.slice(key.lastIndexOf('/') + 1));
}

interface Row {
  /** The command line after `calicoctl`; FOLDER stands for the folder of files. */
  readonly line: string | readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly code?: number;
  /** Exactly what it prints; a pattern where it holds what differs from run to run. */
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
  /** What is in etcd afterwards. */
  readonly effect?: () => Promise<void>;
}

const twoPeers = `${peer('a', '10.1.0.1', 65001)}---\n${peer('b', '10.1.0.2', 65002)}`;
const failsInTheMiddle = `${peer('c', '10.1.0.3', 65003)}---\n${peer('a', '10.1.0.1', 65001)}---\n${peer('d', '10.1.0.4', 65004)}`;

/** A document that calicoctl refuses. */
function badPeer(spec: string): string {
  return `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: bad}\nspec: ${spec}\n`;
}

const ROWS: readonly Row[] = [
  { line: 'get nodes', stdout: 'NAME   \n\n' },
  {
    line: 'create -f FOLDER/nodes.yaml',
    stdout: "Successfully created 2 'Node' resource(s)\n",
    async effect() {
      const node = await stored('nodes', 'w3');
      assert.deepEqual(node?.spec, { bgp: { ipv4Address: '10.7.0.3/24', asNumber: 65007 } });
      assert.ok(isJsonObject(node.metadata));
      assert.equal(typeof node.metadata.uid, 'string');
      assert.match(String(node.metadata.creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(node.metadata.resourceVersion, undefined);
    },
  },
  { line: 'get nodes', stdout: 'NAME   \nw1     \nw3     \n\n' },
  {
    line: 'get nodes --output=wide',
    stdout:
      'NAME   ASN       IPV4          IPV6   \nw1     (64512)   10.0.0.3/24          \nw3     65007     10.7.0.3/24          \n\n',
  },
  {
    line: 'create -f FOLDER/nodes.yaml',
    code: 1,
    stderr:
      "Failed to create any 'Node' resources: [resource already exists: Node(w1) with error: <nil> resource already exists: Node(w3) with error: <nil>]\n",
  },
  { line: 'create -f FOLDER/nodes.yaml --skip-exists', stdout: /^Successfully created \d 'Node' resource/ },
  {
    line: 'apply -f -',
    stdin: peer('a', '10.1.0.1', 64999),
    stdout: "Successfully applied 1 'BGPPeer' resource(s)\n",
    effect: async () =>
      assert.deepEqual(await spec('bgppeers', 'a'), { peerIP: '10.1.0.1', asNumber: 64999 }),
  },
  {
    line: 'create -f -',
    stdin: peer('a', '10.1.0.1', 64999),
    code: 1,
    stderr: "Failed to create 'BGPPeer' resource: [resource already exists: BGPPeer(a) with error: <nil>]\n",
  },
  {
    line: 'apply -f -',
    stdin: twoPeers,
    stdout: "Successfully applied 2 'BGPPeer' resource(s)\n",
    effect: async () =>
      assert.deepEqual(await spec('bgppeers', 'a'), { peerIP: '10.1.0.1', asNumber: 65001 }),
  },
  {
    line: 'create -f -',
    stdin: failsInTheMiddle,
    code: 1,
    stdout: "Partial success: created the first 2 out of 3 'BGPPeer' resources:\n",
    stderr: 'Hit error: [resource already exists: BGPPeer(a) with error: <nil>]\n',
    effect: async () => assert.deepEqual(await names('bgppeers'), ['a', 'b', 'c', 'd']),
  },
  {
    line: 'get bgppeers',
    stdout: [
      'NAME   PEERIP     NODE       ASN     ',
      'a      10.1.0.1   (global)   65001   ',
      'b      10.1.0.2   (global)   65002   ',
      'c      10.1.0.3   (global)   65003   ',
      'd      10.1.0.4   (global)   65004   ',
      '\n',
    ].join('\n'),
  },
  { line: 'get bps c -o custom-columns=NAME,ASN', stdout: 'NAME   ASN     \nc      65003   \n\n' },
  {
    line: 'get BGPPeer c -o custom-columns=NAME,COLOUR',
    code: 1,
    stderr: 'unknown heading COLOUR, valid values are: NAME, PEERIP, NODE, ASN\n',
  },
  { line: 'get bgpp a b -o name', stdout: 'bgppeer/a\nbgppeer/b\n' },
  {
    line: [
      'get',
      'bgppeers',
      '-o',
      "jsonpath={range .items[*]}{.metadata.name}={.spec.asNumber}{'\\n'}{end}",
    ],
    stdout: 'a=65001\nb=65002\nc=65003\nd=65004\n',
  },
  {
    line: 'get bgppeer nope',
    code: 1,
    stderr: 'resource does not exist: BGPPeer(nope) with error: <nil>\n',
  },
  {
    line: 'get bgppeer a nope -o name',
    code: 1,
    stdout: 'bgppeer/a\n',
    stderr: 'resource does not exist: BGPPeer(nope) with error: <nil>\n',
  },
  {
    line: 'get -f - -o name',
    stdin: twoPeers,
    stdout: 'bgppeer/a\nbgppeer/b\n',
  },
  {
    line: 'get bgppeer a --export -o yaml',
    stdout: `apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata:
  creationTimestamp: null
  name: a
spec:
  asNumber: 65001
  peerIP: 10.1.0.1
`,
  },
  {
    line: 'get bgppeer a -o json',
    stdout:
      /^\{\n {2}"kind": "BGPPeer",\n {2}"apiVersion": "projectcalico.org\/v3",\n {2}"metadata": \{\n {4}"name": "a",\n[\s\S]*"asNumber": 65001\n {2}\}\n\}$/,
  },
  { line: 'get bgppeer a b -o json', stdout: /^\[\n {2}\{\n {4}"kind": "BGPPeer"[\s\S]*\]$/ },
  {
    line: 'get bgppeers -o yaml -A',
    stdout:
      /^apiVersion: projectcalico.org\/v3\nitems:\n- apiVersion: projectcalico.org\/v3\n {2}kind: BGPPeer\n[\s\S]*\nkind: BGPPeerList\nmetadata:\n {2}resourceVersion: "\d+"\n$/,
  },
  { line: 'get bgppeer a -oyaml -a', stdout: /^apiVersion: projectcalico.org\/v3\nkind: BGPPeer\n/ },
  {
    line: 'get bgppeer a -o go-template={{.}}',
    code: 1,
    stderr:
      "Failed to execute command: -o go-template is not supported: it is a language of Go's own.\n  Use -o jsonpath='{.spec.asNumber}', -o custom-columns=NAME,ASN, or -o json with jq.\n",
  },
  // calicoctl's -l is its log level, and the help says what is a selector here.
  { line: 'get --help', stdout: /^ {2}calicoctl get nodes --selector 'rack == "1"'$/m },
  { line: 'version', stdout: /^Client Version: {4}v\d+\.\d+\.\d+\n$/ },
  {
    line: 'ipam show',
    code: 1,
    stderr:
      "calicoctl ipam is not here: this calicoctl is calico-rr, which has what concerns BGP. Use Calico's own calicoctl for it.\n",
  },
  {
    line: 'get colours',
    code: 1,
    stderr: "Failed to execute command: resource type 'colours' is not supported\n",
  },
  {
    line: 'get bgppeers -n kube-system',
    code: 1,
    stderr: 'Failed to execute command: BGPPeer is not namespaced\n',
  },
  {
    line: 'delete bgppeer c d',
    stdout: "Successfully deleted 2 'BGPPeer' resource(s)\n",
    effect: async () => assert.deepEqual(await names('bgppeers'), ['a', 'b']),
  },
  {
    line: 'delete bgppeer c',
    code: 1,
    stderr: "Failed to delete 'BGPPeer' resource: resource does not exist: BGPPeer(c) with error: <nil>\n\n",
  },
  {
    line: 'delete bgppeer b c',
    code: 1,
    stdout: "Successfully deleted 1 'BGPPeer' resource(s)\n",
    stderr: "Failed to delete 'BGPPeer' resource: resource does not exist: BGPPeer(c) with error: <nil>\n\n",
    effect: async () => assert.deepEqual(await names('bgppeers'), ['a']),
  },
  { line: 'delete bgppeer c --skip-not-exists', stdout: /^Successfully deleted/ },
  {
    line: 'apply -f FOLDER/dir',
    stdout: "Successfully applied 2 'BGPPeer' resource(s)\n",
    effect: async () => assert.deepEqual(await names('bgppeers'), ['a', 'from-dir', 'from-json']),
  },
  {
    line: 'apply -R -f FOLDER/dir',
    stdout: "Successfully applied 3 'BGPPeer' resource(s)\n",
    effect: async () =>
      assert.deepEqual(await names('bgppeers'), ['a', 'from-dir', 'from-inner', 'from-json']),
  },
  {
    line: 'delete -R -f FOLDER/dir',
    stdout: "Successfully deleted 3 'BGPPeer' resource(s)\n",
    effect: async () => assert.deepEqual(await names('bgppeers'), ['a']),
  },
  {
    line: 'apply -f FOLDER/empty.yaml',
    code: 1,
    stderr: /^no resources specified in file .*\/empty\.yaml\n$/,
  },
  { line: 'apply -f FOLDER/empty.yaml --skip-empty' },
  {
    line: 'create -f -',
    stdin: JSON.stringify([peerJson('j1', '10.2.0.1', 65001), peerJson('j2', '10.2.0.2', 65002)]),
    stdout: "Successfully created 2 'BGPPeer' resource(s)\n",
  },
  {
    line: 'apply -f -',
    stdin: JSON.stringify({
      kind: 'BGPPeerList',
      apiVersion: 'projectcalico.org/v3',
      items: [peerJson('j1', '10.2.0.1', 65003)],
    }),
    stdout: "Successfully applied 1 'BGPPeer' resource(s)\n",
    effect: async () =>
      assert.deepEqual(await spec('bgppeers', 'j1'), { peerIP: '10.2.0.1', asNumber: 65003 }),
  },
  {
    line: 'apply -f -',
    stdin: `${NODES}---\n${peer('a', '10.1.0.1', 65001)}`,
    stdout: 'Successfully applied 3 resource(s)\n',
  },
  {
    line: 'apply -f -',
    stdin: badPeer('{peerIP: 10.1.0.1, asNumbr: 1}'),
    code: 1,
    stderr:
      /^Failed to execute command: error parsing document: field in document is not recognized or is in the wrong location: asNumbr\n<stdin>:4:26: /,
  },
  {
    line: 'apply -f -',
    stdin: badPeer('{}').replace('BGPPeer', 'BGPPer'),
    code: 1,
    stderr:
      /^Failed to execute command: Unknown resource type \(BGPPer\) and\/or version \(projectcalico\.org\/v3\)\n/,
  },
  {
    line: 'apply -f -',
    stdin: badPeer('{peerIP: 10.1.0.1, asNumber: 1, node: n1, nodeSelector: all()}'),
    code: 1,
    stderr:
      "Failed to apply 'BGPPeer' resource: [error with field Node = 'n1' (Node field must be empty when NodeSelector is specified)]\n",
  },
  {
    line: 'replace -f -',
    stdin: badPeer('{peerIP: 10.1.0.256, asNumber: 1, nodeSelector: "a = b"}'),
    code: 1,
    stdout: "Partial success: replaced the first 1 out of 1 'BGPPeer' resources:\n",
    stderr: `Hit error: error with the following fields:
-  PeerIP = '10.1.0.256' (Reason: failed to validate Field: PeerIP because of Tag: IP:port )
-  NodeSelector = 'a = b' (Reason: failed to validate Field: NodeSelector because of Tag: selector )

`,
  },
  {
    line: 'apply -f -',
    stdin: `${peer('a', '10.1.0.1', 65001)}---\n${badPeer('{peerIP: 10.1.0.256, asNumber: 1}')}`,
    code: 1,
    stdout: "Partial success: applied the first 1 out of 2 'BGPPeer' resources:\n",
    stderr:
      "Hit error(s): [error with field PeerIP = '10.1.0.256' (Reason: failed to validate Field: PeerIP because of Tag: IP:port )]\n",
  },
  {
    line: 'create -f -',
    stdin: `${peer('a', '10.1.0.1', 65001)}---\napiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: w9}\nspec: {bgp: {}}\n`,
    code: 1,
    stderr:
      'Failed to create any resources: [resource already exists: BGPPeer(a) with error: <nil> error with field Spec.BGP (Spec.BGP should not be empty)]\n',
  },
  {
    line: 'apply -f -',
    stdin:
      'apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: node.w1}\nspec: {asNumber: 64512}\n',
    code: 1,
    stderr:
      "Failed to apply 'BGPConfiguration' resource: [error with field BGPConfiguration.Spec.ASNumber (Cannot set ASNumber on a non default BGP Configuration.)]\n",
  },
  {
    line: 'apply -f -',
    stdin: badPeer('{peerIP: 10.1.0.1, asNumber: 1, filters: [nope]}'),
    code: 1,
    stderr:
      "Failed to apply 'BGPPeer' resource: [error with field Filters = 'nope' (BGPFilter(s) not found)]\n",
    effect: async () => assert.equal(await stored('bgppeers', 'bad'), undefined),
  },
  {
    // The documents of the route reflector's guide as they came to be copied, without their line "metadata:".
    line: 'create -f -',
    stdin: 'apiVersion: v1\nkind: bgpPeer\n  peerIP: 10.1.0.1\n  scope: global\n  asNumber: 64512\n',
    code: 1,
    stderr: `Failed to execute command: error parsing document: This value is followed by fields of its own, or holds a colon and a blank
<stdin>:2:7: This value is followed by fields of its own, or holds a colon and a blank.
  2 | kind: bgpPeer
    |       ^
      Fields stand below a key that has no value, such as "metadata:" or "spec:"; text with ": " in it needs quotes.
`,
  },
  {
    line: 'create -f -',
    stdin: 'apiVersion: projectcalico.org/v3\nkind: BGPPeer\nname: a\nnodeSelector: !has(rr)\n',
    code: 1,
    stderr:
      /^<stdin>:1:1: A BGPPeer here has no metadata\.name\.\n.*\n.*\n +Write the name indented below a line "metadata:"[\s\S]*<stdin>:4:15: !has\(rr\)/m,
  },
  {
    line: 'create -f -',
    stdin: 'apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata:\n  name: a\n  name: b\n\tspec: {}\n',
    code: 1,
    stderr:
      /<stdin>:5:3: name stands here twice\.[\s\S]*Keep one of the two\.[\s\S]*<stdin>:6:1: Tabs[\s\S]*Indent with blanks/,
  },
  {
    line: 'create -f /nonexistent.yaml',
    code: 1,
    stderr: 'Failed to execute command: open /nonexistent.yaml: no such file or directory\n',
  },
  {
    line: 'replace -f -',
    stdin: peer('nope', '10.1.0.9', 65009),
    code: 1,
    // calicoctl counts a replacement that failed.
    stdout: "Partial success: replaced the first 1 out of 1 'BGPPeer' resources:\n",
    stderr: 'Hit error: resource does not exist: BGPPeer(nope) with error: <nil>\n',
  },
  {
    line: 'replace -f -',
    stdin: peer('j2', '10.2.0.2', 65010),
    stdout: "Successfully replaced 1 'BGPPeer' resource(s)\n",
    effect: async () =>
      assert.deepEqual(await spec('bgppeers', 'j2'), { peerIP: '10.2.0.2', asNumber: 65010 }),
  },
  {
    line: 'patch bgpconfiguration default -p {"spec":{}}',
    code: 1,
    stderr: 'Hit error: resource does not exist: BGPConfiguration(default) with error: <nil>\n',
  },
  {
    line: 'create -f -',
    stdin:
      'apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: {logSeverityScreen: Info}\n',
    stdout: "Successfully created 1 'BGPConfiguration' resource(s)\n",
  },
  {
    line: 'get bgpconfig',
    stdout:
      'NAME      LOGSEVERITY   MESHENABLED   ASNUMBER   \ndefault   Info          -             -          \n\n',
  },
  {
    line: ['patch', 'bgpconfiguration', 'default', '-p', '{"spec": {"nodeToNodeMeshEnabled": false}}'],
    stdout: "Successfully patched 1 'BGPConfiguration' resource\n",
    effect: async () =>
      assert.deepEqual(await spec('bgpconfigurations', 'default'), {
        logSeverityScreen: 'Info',
        nodeToNodeMeshEnabled: false,
      }),
  },
  {
    line: ['patch', 'bgpconfiguration', 'default', '-p', '{"spec": {"asNumber": "64513"}}'],
    stdout: "Successfully patched 1 'BGPConfiguration' resource\n",
    effect: async () =>
      assert.deepEqual(await spec('bgpconfigurations', 'default'), {
        logSeverityScreen: 'Info',
        nodeToNodeMeshEnabled: false,
        asNumber: 64513,
      }),
  },
  {
    line: 'get node w1 -o wide',
    stdout: 'NAME   ASN       IPV4          IPV6   \nw1     (64513)   10.0.0.3/24          \n\n',
  },
  {
    line: ['patch', 'node', 'w1', '--patch={"spec": {"bgp": {"routeReflectorClusterID": "244.0.0.1"}}}'],
    stdout: "Successfully patched 1 'Node' resource\n",
    effect: async () =>
      assert.deepEqual(await spec('nodes', 'w1'), {
        bgp: { ipv4Address: '10.0.0.3/24', routeReflectorClusterID: '244.0.0.1' },
      }),
  },
  {
    line: [
      'patch',
      'node',
      'w1',
      '--type=merge',
      '-p',
      '{"spec": {"bgp": {"routeReflectorClusterID": null}}}',
    ],
    stdout: "Successfully patched 1 'Node' resource\n",
    effect: async () => assert.deepEqual(await spec('nodes', 'w1'), { bgp: { ipv4Address: '10.0.0.3/24' } }),
  },
  {
    line: [
      'patch',
      'node',
      'w1',
      '-t',
      'json',
      '-p',
      '[{"op": "add", "path": "/spec/bgp/asNumber", "value": "1.10"}]',
    ],
    stdout: "Successfully patched 1 'Node' resource\n",
    effect: async () =>
      assert.deepEqual(await spec('nodes', 'w1'), { bgp: { ipv4Address: '10.0.0.3/24', asNumber: 65546 } }),
  },
  {
    line: [
      'patch',
      'node',
      'w1',
      '-p',
      '{"spec": {"bgp": {"$patch": "replace", "ipv4Address": "10.0.0.4/24"}}}',
    ],
    stdout: "Successfully patched 1 'Node' resource\n",
    effect: async () => assert.deepEqual(await spec('nodes', 'w1'), { bgp: { ipv4Address: '10.0.0.4/24' } }),
  },
  {
    line: ['patch', 'node', 'w1', '-p', '{"spec"'],
    code: 1,
    stderr: /^Failed to execute command: the patch cannot be used/,
  },
  {
    line: ['patch', 'node', 'w1', '-p', '{"metadata": {"name": "w2"}}'],
    code: 1,
    stderr:
      /^Hit error: the patch changes metadata\.name, which a resource keeps for life\n {2}Create it anew/,
  },
  {
    line: ['patch', 'node', 'w1', '-t', 'merge', '-p', '{"kind": "BGPPeer"}'],
    code: 1,
    stderr: /^Hit error: the patch changes kind/,
  },
  {
    line: 'label nodes w1 rack=1',
    stdout: 'Successfully set label rack on nodes w1\n',
    async effect() {
      const metadata = (await stored('nodes', 'w1'))?.metadata;
      assert.deepEqual(isJsonObject(metadata) ? metadata.labels : undefined, { rack: '1' });
    },
  },
  {
    line: 'label nodes w1 rack=2',
    code: 1,
    stderr:
      "failed to update label of nodes w1, key rack is already present. please use '--overwrite' to set a new value.\n",
  },
  {
    line: 'label nodes w1 rack=2 --overwrite',
    stdout: 'Successfully updated label rack on nodes w1\n',
  },
  { line: 'label nodes w1 rack --remove', stdout: 'Successfully removed label rack from nodes w1\n' },
  {
    line: 'label nodes w1 rack --remove',
    code: 1,
    stderr: 'cannot remove label of nodes w1, key rack does not exist\n',
  },
  { line: 'get nodes --selector rack=7 -o name', stdout: 'node/w3\n' },
  { line: ['get', 'nodes', '--selector', "!has(rack) || rack == 'x'", '-o', 'name'], stdout: 'node/w1\n' },
  {
    line: 'create -f -',
    stdin:
      'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: pool4}\nspec: {cidr: 192.168.0.0/16, ipipMode: Always, natOutgoing: true}\n',
    stdout: "Successfully created 1 'IPPool' resource(s)\n",
    effect: async () =>
      assert.deepEqual(await spec('ippools', 'pool4'), {
        cidr: '192.168.0.0/16',
        vxlanMode: 'Never',
        ipipMode: 'Always',
        natOutgoing: true,
        blockSize: 26,
        nodeSelector: 'all()',
        allowedUses: ['Workload', 'Tunnel'],
      }),
  },
  ...['10.65.0.1/16', '10.65.0.0/28'].map(
    (cidr): Row => ({
      line: 'create -f -',
      stdin: `apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: odd}\nspec: {cidr: ${cidr}}\n`,
      code: 1,
      stderr: /^Failed to create 'IPPool' resource: \[error with field (CIDR|BlockSize).* breaks a rule: /,
    }),
  ),
  {
    line: 'apply -f -',
    stdin:
      'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: within}\nspec: {cidr: 192.168.64.0/18}\n',
    code: 1,
    stderr:
      "Failed to apply 'IPPool' resource: [error with field IPPool.Spec.CIDR = '192.168.64.0/18' (IPPool(within) CIDR overlaps with IPPool(pool4) CIDR 192.168.0.0/16)]\n",
  },
  {
    line: 'patch ippool pool4 -p {"spec":{"cidr":"192.168.0.0/17"}}',
    code: 1,
    stderr:
      "Hit error: error with field IPPool.Spec.CIDR = '192.168.0.0/17' (IPPool CIDR cannot be modified)\n",
  },
  {
    line: 'get pools',
    stdout: 'NAME    CIDR             SELECTOR   \npool4   192.168.0.0/16   all()      \n\n',
  },
  {
    line: 'get ippool -owide',
    stdout:
      'NAME    CIDR             NAT    IPIPMODE   VXLANMODE   DISABLED   DISABLEBGPEXPORT   SELECTOR   ASSIGNMENTMODE   \npool4   192.168.0.0/16   true   Always     Never       false      false              all()                       \n\n',
  },
  {
    line: 'create -f -',
    stdin: `apiVersion: projectcalico.org/v3
kind: CalicoNodeStatus
metadata: {name: s1}
spec: {node: w1, classes: [Agent, BGP], updatePeriodSeconds: 10}
---
apiVersion: projectcalico.org/v3
kind: BGPFilter
metadata: {name: f1}
spec: {exportV4: [{action: Reject}], importV6: [{action: Accept}, {action: Reject}]}
`,
    stdout: 'Successfully created 2 resource(s)\n',
  },
  { line: 'get nodestatuses -o wide', stdout: 'NAME   NODE   CLASSES     \ns1     w1     Agent,BGP   \n\n' },
  {
    line: 'get bfs',
    stdout:
      'NAME   NUMEXPORTV4   NUMIMPORTV4   NUMEXPORTV6   NUMIMPORTV6   \nf1     1             0             0             2             \n\n',
  },
  { line: '--allow-version-mismatch get node w1 -o name', stdout: 'node/w1\n' },
  { line: 'get node w1 -o name --allow-version-mismatch --log-level debug', stdout: 'node/w1\n' },
  {
    line: '--config /nonexistent/calicoctl.cfg get nodes',
    code: 1,
    stderr: 'Error reading config file: /nonexistent/calicoctl.cfg\n',
  },
  {
    // The file or the environment, never both.
    line: '--config FOLDER/calicoctl.cfg get node w1 -o name',
    env: { ETCD_ENDPOINTS: 'http://127.0.0.1:1', DATASTORE_TYPE: 'etcdv2' },
    stdout: 'node/w1\n',
  },
  ...['check', 'sessions w1'].map(
    (line): Row => ({
      // What only computes asks the same datastore.
      line: `${line} --config FOLDER/calicoctl.cfg`,
      env: { ETCD_ENDPOINTS: 'http://127.0.0.1:1', DATASTORE_TYPE: 'etcdv2' },
      stdout: /^Checked 2 nodes|^w1: node, AS 64513/m,
      stderr: /^/,
    }),
  ),
  {
    line: ['patch', 'node', 'w1', '-p', '{"spec": {"bgp": {"routeReflectorClusterID": ""}}}'],
    stdout: "Successfully patched 1 'Node' resource\n",
  },
  {
    line: 'colour me',
    code: 1,
    stderr: "Invalid option: 'calicoctl colour me'. Use flag '--help' to read about a specific subcommand.\n",
  },
  {
    line: 'delete node w1',
    stdout: "Successfully deleted 1 'Node' resource(s)\n",
    effect: async () => assert.deepEqual(await names('nodes'), ['w3']),
  },
];

for (const [index, row] of ROWS.entries()) {
  const { line, stdin, env, code = 0, stdout = '', stderr = '' } = row;
  const words = typeof line === 'string' ? line.split(' ') : line;
  test(`${index + 1}: calicoctl ${words.join(' ')}`, async () => {
    const given = words.map((word) => word.replace('FOLDER', folder));
    const result = await runCli('calicoctl', given, {
      env: { ...home.env, ...env },
      ...(stdin === undefined ? {} : { stdin }),
    });
    // The order: what it said of a failure tells most.
    compare(result.stderr, stderr);
    compare(result.stdout, stdout);
    assert.equal(result.code, code);
    await row.effect?.();
  });
}

function compare(actual: string, expected: string | RegExp): void {
  if (typeof expected === 'string') assert.equal(actual, expected);
  else assert.match(actual, expected);
}

test('a file printed by get goes stale with the next change, and one that was exported does not', async () => {
  const options = { env: home.env };
  const whole = await runCli('calicoctl', ['get', 'node', 'w3', '-o', 'yaml'], options);
  const exported = await runCli('calicoctl', ['get', 'node', 'w3', '-o', 'yaml', '--export'], options);
  const changed = await runCli('calicoctl', ['label', 'node', 'w3', 'zone=a'], options);
  assert.equal(changed.code, 0);
  const stale = await runCli('calicoctl', ['apply', '-f', '-'], { ...options, stdin: whole.stdout });
  assert.equal(stale.stderr, "Failed to apply 'Node' resource: [update conflict: Node(w3)]\n");
  assert.equal(stale.code, 1);
  const fresh = await runCli('calicoctl', ['apply', '-f', '-'], { ...options, stdin: exported.stdout });
  assert.equal(fresh.stdout, "Successfully applied 1 'Node' resource(s)\n");
  // Labels are the document's, replacing all.
  const metadata = (await stored('nodes', 'w3'))?.metadata;
  assert.deepEqual(isJsonObject(metadata) ? metadata.labels : undefined, { rack: '7' });
});

test('what calicoctl wrote, unknown fields included, is patched and replaced with nothing dropped', async () => {
  const fixture: unknown = JSON.parse(
    readFileSync(join(import.meta.dirname, '../fixtures/etcd-v3/after-calicoctl-apply.json'), 'utf8'),
  );
  assert.ok(
    typeof fixture === 'object' && fixture !== null && 'kvs' in fixture && Array.isArray(fixture.kvs),
  );
  const key = `${KEYS}/bgppeers/tor-global`;
  const kv: unknown = fixture.kvs.find((one: { readonly key: string }) => one.key === key);
  assert.ok(typeof kv === 'object' && kv !== null && 'value' in kv && typeof kv.value === 'string');
  const original: JsonObject = JSON.parse(kv.value);
  const whole = {
    ...original,
    spec: { ...(isJsonObject(original.spec) ? original.spec : {}), fieldOfTomorrow: { deep: [1, null] } },
    sideways: true,
  };
  await home.etcd.putV3(key, JSON.stringify(whole));
  const options = { env: home.env };
  const words = ['patch', 'bgppeer', 'tor-global', '-p', '{"spec": {"asNumber": 64998}}'];
  assert.equal(
    (await runCli('calicoctl', words, options)).stdout,
    "Successfully patched 1 'BGPPeer' resource\n",
  );
  const expected = { ...whole, spec: { ...whole.spec, asNumber: 64998 } };
  assert.deepEqual(await stored('bgppeers', 'tor-global'), expected);
  const labelled = await runCli('calicoctl', ['label', 'bgppeer', 'tor-global', 'team=net'], options);
  assert.equal(labelled.code, 0, labelled.stderr);
  const { metadata } = original;
  assert.deepEqual(await stored('bgppeers', 'tor-global'), {
    ...expected,
    metadata: { ...(isJsonObject(metadata) ? metadata : {}), labels: { team: 'net' } },
  });
});
