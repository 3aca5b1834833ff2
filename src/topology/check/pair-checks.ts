/** Nodes that would not learn each other's routes, and the one cause of it that is a setting of all. */
import type { Problem } from '../../model/problem.ts';
import type { FamilyView } from '../cluster/cluster-view.ts';
import { nodesText, type PairGroup, pairsText } from '../cluster/pairs.ts';
import type { CheckInput } from './check-cluster.ts';

export function checkPairs({ inventory, view }: CheckInput): readonly Problem[] {
  const isOff = inventory.defaults?.meshEnabled === false;
  const problems = view.families.flatMap((family) => {
    const off = isOff ? withoutMesh(family) : null;
    const apart = off !== null ? [off] : family.pairs.groups.flatMap((group) => apartProblem(family, group));
    return family.pairs.settled ? apart : [...apart, unsettled(family)];
  });
  return [...problems, ...shadowedNodes({ inventory, view })];
}

/** The mesh is off and nobody has any session instead: one cause, told once and not pair by pair. */
function withoutMesh({ family, nodes, speakers }: FamilyView): Problem | null {
  const isAlone = [...nodes.values()].every((index) => {
    const sessions = [...(speakers[index]?.sessions.values() ?? [])];
    return !sessions.some((session) => session.family === family);
  });
  if (nodes.size < 2 || !isAlone) return null;
  return {
    code: 'mesh-off',
    severity: 'error',
    subject: 'BGPConfiguration/default',
    message: `The node-to-node mesh is off and nothing is in its place: none of the ${nodes.size.toLocaleString('en')} nodes has an IPv${family} session, so none learns another's routes.`,
    hint: 'Add BGPPeers that lead to route reflectors first, or set nodeToNodeMeshEnabled to true.',
  };
}

function apartProblem({ network, nodes }: FamilyView, group: PairGroup): readonly Problem[] {
  // Those are told as notes: nothing is known to be wrong.
  if (group.throughOutside) return [];
  const without = group.learners.filter((name) => {
    const speaker = network.speakers[nodes.get(name) ?? -1];
    return speaker !== undefined && speaker.mesh === null && speaker.ends.length === 0;
  });
  const all = without.length === group.learners.length;
  const cause = all ? ` ${without.length === 1 ? 'It has' : 'They have'} no session that comes up.` : '';
  const [first = ''] = group.learners;
  return [
    {
      code: 'pairs-apart',
      severity: 'error',
      subject: subjectOf(group.learners),
      message: `${pairsText(group)} (${group.pairs.toLocaleString('en')} ${group.pairs === 1 ? 'pair' : 'pairs'}).${cause}`,
      hint: `See with whom ${first} peers: calico-rr sessions ${first}. Every node needs a session with a reflector, and all reflectors with each other.`,
    },
  ];
}

function unsettled({ family }: FamilyView): Problem {
  return {
    code: 'unsettled',
    severity: 'warning',
    subject: `IPv${family}`,
    message: `Between these AS numbers some nodes' IPv${family} routes never come to rest: which nodes have them changes all the time.`,
    hint: 'Give all nodes and reflectors one AS number, or peer across AS numbers in a tree.',
  };
}

/** `Node/n1`, or `Node/n1 and 39 more`. */
export function subjectOf(names: readonly string[]): string {
  const [first = ''] = names;
  return names.length === 1 ? `Node/${first}` : `Node/${first} and ${names.length - 1} more`;
}

/** A Node whose address or name is a RouteReflector's: the process there is the reflector and announces nothing. */
function shadowedNodes({ inventory, view }: Pick<CheckInput, 'inventory' | 'view'>): readonly Problem[] {
  if (inventory.reflectors.size === 0) return [];
  const spoken = new Set(view.families.flatMap(({ nodes }) => [...nodes.keys()]));
  return [...inventory.nodes.values()].flatMap((node) => {
    if (spoken.has(node.name)) return [];
    const addresses = [node.ipv4, node.ipv6].filter((address) => address !== null);
    const reflector =
      inventory.reflectors.get(node.name) ??
      addresses.flatMap((address) => inventory.reflectorsAt(address))[0];
    if (reflector === undefined || addresses.length === 0) return [];
    const same = reflector.name === node.name ? 'name' : 'address';
    return [
      {
        code: 'conflict' as const,
        severity: 'error' as const,
        subject: `Node/${node.name}`,
        message: `It has the ${same} of RouteReflector/${reflector.name}, so the process there is that reflector, and nobody announces this node's routes.`,
        hint: 'Give the reflector an address and a name of its own, or delete its entry and set routeReflectorClusterID of the Node.',
      },
    ];
  });
}

/** What is not known to be wrong but hangs on what no resource says; sentences. */
export function pairNotes({ view }: Pick<CheckInput, 'view'>): readonly string[] {
  return view.families.flatMap(({ pairs, network }) => {
    const groups = pairs.groups.filter((group) => group.throughOutside);
    if (groups.length === 0) return [];
    const routers = new Set(network.speakers.flatMap(({ outside }) => outside.map(({ address }) => address)));
    const where = nodesText([...routers].sort()).replace(/ nodes$/, '');
    return groups.map(
      (group) => `${pairsText(group)}: ${where} (${group.pairs.toLocaleString('en')} pairs).`,
    );
  });
}
