/**
 * Examples that `--help` of a verb ends with. test/cli/examples.test.ts runs every line of them, and those that a verb
 * brings itself, in a small cluster; src/cli/examples.test.ts wants at least one for each verb.
 */
import type { Command } from 'commander';
import { programName } from './program-name.ts';

/** By the verb with those above it. What is after a `#` is said to people. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  get: [
    'calico-rr get nodes -o wide',
    'calico-rr get nodes -l \'rack == "1"\'',
    'calico-rr get bgppeers -o custom-columns=NAME,PEERIP',
    'calico-rr get bgppeer n1-rr1 -o yaml --export',
  ],
  create: ['calico-rr create -f tor.yaml', 'calico-rr create -f peers/ --skip-exists'],
  apply: [
    'calico-rr apply -f tor.yaml --dry-run   # what it would change',
    'calico-rr apply -f peers/ -f tor.yaml',
    'calico-rr get bgppeer n1-rr1 -o yaml --export | calico-rr apply -f -',
  ],
  replace: ['calico-rr replace -f tor.yaml'],
  patch: [
    'calico-rr patch bgpconfiguration default -p \'{"spec": {"logSeverityScreen": "Warning"}}\'',
    'calico-rr patch node n1 -t merge -p \'{"metadata": {"labels": {"drained": null}}}\'',
  ],
  label: [
    'calico-rr label node n1 zone=a',
    'calico-rr label node n1 zone=b --overwrite',
    'calico-rr label node n1 zone --remove',
  ],
  delete: ['calico-rr delete bgppeer tor-1', 'calico-rr delete -f tor.yaml --skip-not-exists'],
  export: ['calico-rr export > cluster.yaml', 'calico-rr export nodes bgppeers'],
  'config set': ['calico-rr config set logLevel warning', 'calico-rr config set asNumber 64512'],
  'config get': ['calico-rr config get nodeToNodeMesh'],
  'config unset': ['calico-rr config unset logLevel'],
  'bgp node-mesh': ['calico-rr bgp node-mesh', 'calico-rr bgp node-mesh off'],
  'bgp default-node-as': ['calico-rr bgp default-node-as', 'calico-rr bgp default-node-as 64512'],
  'bgp peer add': ['calico-rr bgp peer add 192.0.2.1 as 65001'],
  'bgp peer show': ['calico-rr bgp peer show', 'calico-rr bgp peer show --ipv4'],
  'bgp peer remove': ['calico-rr bgp peer remove 192.0.2.1'],
  'node bgp peer add': ['calico-rr node bgp peer add 192.0.2.7 as 65001 --node n1'],
  'node bgp peer show': ['calico-rr node bgp peer show --node n1'],
  'node bgp peer remove': ['calico-rr node bgp peer remove 192.0.2.7 --node n1'],
  'node show': ['calico-rr node show'],
  'node status': ['calico-rr node status', 'calico-rr node status rr1   # what it last reported'],
  'rr add': [
    'calico-rr rr add 10.9.0.1 --name rr7 --cluster-id 1.0.0.3 --client n7',
    'calico-rr rr add 10.9.0.2 fd00:9::2 --name edge --group edge --peer 192.0.2.1 --as 65001',
  ],
  'rr list': ['calico-rr rr list', 'calico-rr rr list -o json'],
  'rr rename-cluster': [
    'calico-rr rr rename-cluster 1.0.0.3 1.0.0.33 --dry-run',
    'calico-rr rr rename-cluster 1.0.0.3 1.0.0.33 --pause 0',
  ],
  'rr drain': [
    'calico-rr rr drain rr1 --token-file token --ca-file ca.pem',
    'calico-rr rr drain rr1 --address 10.0.0.1:9180 --token-file token --ca-file ca.pem --timeout 120',
  ],
  'rr remove': ['calico-rr rr remove edge --dry-run', 'calico-rr rr remove edge'],
  run: [
    'IP=10.0.0.1 ETCD_ENDPOINTS=http://10.0.0.5:2379 calico-rr run',
    'calico-rr run --name rr1 --engine native --http 127.0.0.1:8080',
    'calico-rr run --name rr1 --control 10.0.0.1:9180 --control-token-file token --control-cert tls.crt --control-key tls.key',
  ],
  status: [
    'calico-rr status',
    'calico-rr status --watch',
    'calico-rr status rr1 -o json',
    'calico-rr status --address 10.0.0.1:9180 --token-file token --ca-file ca.pem',
  ],
  approve: ['calico-rr approve 3f9a01c2'],
  drain: ['calico-rr drain --timeout 120 --message "rack 1 is moved"'],
  sessions: ['calico-rr sessions rr1', 'calico-rr sessions n1 -f examples/rack -o json'],
  render: [
    'calico-rr render rr1',
    'calico-rr render n1 -f examples/rack --dialect bird1 --family 4 | bird -p -c /dev/stdin',
  ],
  explain: ['calico-rr explain bgppeer', 'calico-rr explain bgppeer.spec.reversePeering'],
  'explain session': [
    'calico-rr explain session rr1 n1',
    'calico-rr explain session n1 192.0.2.1 -f examples/rack -o json',
  ],
  'explain route': [
    'calico-rr explain route 10.65.1.0/26',
    'calico-rr explain route 10.65.1.7 --name rr1 -o json',
  ],
  'secrets-role': ['calico-rr secrets-role --service-account calico-system:calico-rr > role.yaml'],
  admission: ['calico-rr admission --tls-cert tls.crt --tls-key tls.key'],
  version: ['calico-rr version'],
  completion: [
    'source <(calico-rr completion bash)',
    'calico-rr completion fish > ~/.config/fish/completions/calico-rr.fish',
  ],
};

/** Gives every verb its examples; those that a verb has said itself stay as they are. */
export function addExamples(program: Command): void {
  for (const { path, verb } of verbsBelow(program)) {
    const lines = EXAMPLES[path];
    if (lines === undefined) continue;
    const own = lines.map((line) => `  ${asCalled(line)}`);
    verb.addHelpText('after', `\nExamples:\n${own.join('\n')}`);
  }
}

/** calicoctl's -l is its log level. */
function asCalled(line: string): string {
  if (programName() !== 'calicoctl') return line;
  return line.replaceAll('calico-rr ', 'calicoctl ').replace(' -l ', ' --selector ');
}

export interface NamedVerb {
  /** `rr add`. */
  readonly path: string;
  readonly verb: Command;
}

/** Every verb that does something, in the order of the help. */
export function verbsBelow(parent: Command, above = ''): readonly NamedVerb[] {
  return parent.commands.flatMap((verb) => {
    const path = `${above}${verb.name()}`;
    const below = verbsBelow(verb, `${path} `);
    // One that takes words of its own does something besides having verbs below it.
    return below.length === 0 || verb.registeredArguments.length > 0 ? [{ path, verb }, ...below] : below;
  });
}

/** Names of verbs that examples are kept for. */
export const VERBS_WITH_EXAMPLES: readonly string[] = Object.keys(EXAMPLES);
