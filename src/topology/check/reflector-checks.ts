/** Reflectors seen together: how many each node has and where they stand, who shares a cluster ID, who meshes. */
import type { Family } from '../../model/address.ts';
import type { Problem } from '../../model/problem.ts';
import { DEFAULT_GROUP } from '../../model/route-reflector.ts';
import type { FamilyView } from '../cluster/cluster-view.ts';
import { nodesText } from '../cluster/pairs.ts';
import { isInternal } from '../reachability/network.ts';
import type { CheckInput } from './check-cluster.ts';
import { subjectOf } from './pair-checks.ts';

export function checkReflectors(input: CheckInput, minReflectors: number): readonly Problem[] {
  return input.view.families.flatMap((family) => [
    ...tooFew(family, minReflectors),
    ...notMeshed(family),
    ...sharedClusterIds(family),
    ...oneFailureDomain(input, family),
  ]);
}

function isReflector({ speakers }: FamilyView, index: number): boolean {
  return speakers[index]?.frame.settings.role === 'reflector';
}

/**
 * A node in the mesh needs no reflector. Nor does one count that peers with routers outside and with no reflector:
 * it was meant so. A router outside in its own AS may be a reflector that no resource describes.
 */
function tooFew(view: FamilyView, minReflectors: number): readonly Problem[] {
  const byCount = new Map<number, string[]>();
  for (const [name, index] of view.nodes) {
    const speaker = view.network.speakers[index];
    if (speaker === undefined || isReflector(view, index) || view.mesh.members.has(name)) continue;
    const known = view.reflectors[index] ?? 0;
    const count = known + speaker.outside.filter(isInternal).length;
    if (count >= minReflectors || (known === 0 && speaker.outside.length > 0)) continue;
    // Without any session it is told as one of those that learn nothing.
    if (known === 0) continue;
    const names = byCount.get(count);
    if (names === undefined) byCount.set(count, [name]);
    else names.push(name);
  }
  return [...byCount].map(([count, names]) => ({
    code: 'too-few-reflectors',
    severity: 'warning',
    subject: subjectOf(names.sort()),
    message: `${nodesText(names)} ${names.length === 1 ? 'has' : 'have'} ${count} ${count === 1 ? 'reflector' : 'reflectors'} over IPv${view.family}, fewer than ${minReflectors}.`,
    hint: 'Add a BGPPeer that leads to another reflector, or say with --min-reflectors how many there should be.',
  }));
}

/** Reflectors of one group exchange what their clients announce only over sessions with each other. */
function notMeshed(view: FamilyView): readonly Problem[] {
  const groups = new Map<string, number[]>();
  const anyApart = view.pairs.groups.some((group) => !group.throughOutside);
  for (const [index, { frame }] of view.speakers.entries()) {
    if (frame.settings.role !== 'reflector') continue;
    // Calico's own reflectors know no groups; who of them peers with whom is a matter of taste while routes arrive.
    if (frame.node !== undefined && !anyApart) continue;
    const group = frame.node === undefined ? (frame.settings.group ?? DEFAULT_GROUP) : '';
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [index]);
    else members.push(index);
  }
  return [...groups].flatMap(([group, members]) => {
    const apart: string[] = [];
    for (const one of members) {
      const peers = new Set(view.network.speakers[one]?.ends.map(({ peer }) => peer));
      for (const other of members) {
        if (one >= other || peers.has(other)) continue;
        const [a, b] = [view.speakers[one]?.name ?? '', view.speakers[other]?.name ?? ''];
        apart.push([a, b].sort().join(' and '));
      }
    }
    const [first] = apart.sort();
    if (first === undefined) return [];
    const more = apart.length === 1 ? '' : `, and ${apart.length - 1} more pairs,`;
    const kind = group === '' ? 'Node' : 'RouteReflector';
    return [
      {
        code: 'reflectors-apart' as const,
        severity: group === '' || !anyApart ? ('warning' as const) : ('error' as const),
        subject: `${kind}/${first.split(' ')[0]}`,
        message: `${first}${more} reflect${group === '' ? '' : ` in one group (${group})`} and have no IPv${view.family} session with each other, so the clients of one may not learn the routes of the other's.`,
        hint:
          group === ''
            ? 'Add a BGPPeer with a nodeSelector and a peerSelector that both find all reflectors.'
            : 'Give both an address of this family, or put them into groups of their own.',
      },
    ];
  });
}

/** A reflector ignores what carries its own cluster ID, so two that share one must share their clients, too. */
function sharedClusterIds(view: FamilyView): readonly Problem[] {
  const byId = new Map<string, number[]>();
  for (const [index, { frame }] of view.speakers.entries()) {
    const id = frame.settings.role === 'reflector' ? frame.settings.clusterId : null;
    if (id === null) continue;
    const members = byId.get(id);
    if (members === undefined) byId.set(id, [index]);
    else members.push(index);
  }
  return [...byId].flatMap(([id, members]) => [
    ...sharedByGroups(view, id, members),
    ...sharedApart(view, id, members),
  ]);
}

function sharedByGroups(view: FamilyView, id: string, members: readonly number[]): readonly Problem[] {
  const byGroup = new Map<string, string>();
  for (const index of members) {
    const { name, frame } = view.speakers[index] ?? {};
    if (name === undefined || frame === undefined || frame.settings.group === null) continue;
    if (!byGroup.has(frame.settings.group)) byGroup.set(frame.settings.group, name);
  }
  const [first, second] = [...byGroup].sort(([one], [other]) => (one < other ? -1 : 1));
  if (first === undefined || second === undefined) return [];
  return [
    {
      code: 'cluster-id-clash',
      severity: 'warning',
      subject: `RouteReflector/${second[1]}`,
      message: `Its group ${second[0]} has cluster ID ${id}, as ${first[1]} of group ${first[0]} has: where the two groups are joined, routes from one are ignored in the other.`,
      hint: 'Give each group cluster IDs of its own.',
    },
  ];
}

function sharedApart(view: FamilyView, id: string, members: readonly number[]): readonly Problem[] {
  const clients = members.map((index) => clientsOf(view, index));
  for (const [at, one] of members.entries()) {
    for (const [beyond, other] of members.entries()) {
      if (beyond <= at) continue;
      const only = (of: number, not: number) =>
        [...(clients[of] ?? [])].filter((client) => !clients[not]?.has(client));
      const [left, right] = [only(at, beyond), only(beyond, at)];
      const [a, b] = [view.speakers[one], view.speakers[other]];
      if (left.length === 0 || right.length === 0 || a === undefined || b === undefined) continue;
      const severity = areApart(view, left, right) ? 'error' : 'warning';
      const names = (list: readonly number[]) =>
        nodesText(list.map((index) => view.speakers[index]?.name ?? '').sort());
      const kind = a.frame.node === undefined ? 'RouteReflector' : 'Node';
      return [
        {
          code: 'cluster-id-clash',
          severity,
          subject: `${kind}/${b.name}`,
          message: `It shares cluster ID ${id} with ${a.name}, but not its clients: ${names(left)} ${left.length === 1 ? 'has' : 'have'} only ${a.name}, ${names(right)} only ${b.name} (IPv${view.family}). Each ignores what the other reflects.`,
          hint: 'Let every client peer with both, or give the two different cluster IDs.',
        },
      ];
    }
  }
  return [];
}

function clientsOf(view: FamilyView, index: number): ReadonlySet<number> {
  const clients = view.network.speakers[index]?.ends.filter(({ client }) => client) ?? [];
  return new Set(clients.map(({ peer }) => peer).filter((peer) => !isReflector(view, peer)));
}

function areApart(view: FamilyView, left: readonly number[], right: readonly number[]): boolean {
  const names = (list: readonly number[]) => new Set(list.map((index) => view.speakers[index]?.name ?? ''));
  const [one, other] = [names(left), names(right)];
  return view.pairs.groups.some(
    ({ learners, origins }) =>
      (learners.some((name) => one.has(name)) && origins.some((name) => other.has(name))) ||
      (learners.some((name) => other.has(name)) && origins.some((name) => one.has(name))),
  );
}

const ZONES = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];

/** Two reflectors that fail together are one. Told only where there is more than one zone to choose from. */
function oneFailureDomain({ inventory }: CheckInput, view: FamilyView): readonly Problem[] {
  const zoneOf = (index: number): string | undefined => {
    const speaker = view.speakers[index];
    if (speaker === undefined) return undefined;
    const labels =
      (inventory.reflectors.get(speaker.name) ?? inventory.nodes.get(speaker.name))?.labels ?? {};
    return ZONES.map((label) => labels[label]).find((zone) => zone !== undefined);
  };
  const zones = view.speakers.map((_, index) => zoneOf(index));
  if (new Set(zones.filter((zone) => zone !== undefined)).size < 2) return [];
  const found = new Map<string, { zone: string; reflectors: readonly string[]; nodes: string[] }>();
  for (const [name, index] of view.nodes) {
    if (isReflector(view, index)) continue;
    const peers = view.network.speakers[index]?.ends.map(({ peer }) => peer) ?? [];
    const reflectors = peers.filter((peer) => isReflector(view, peer));
    const [zone, ...others] = [...new Set(reflectors.map((peer) => zones[peer]))];
    if (reflectors.length < 2 || zone === undefined || others.length > 0) continue;
    const names = reflectors.map((peer) => view.speakers[peer]?.name ?? '').sort();
    const key = JSON.stringify([zone, names]);
    const known = found.get(key);
    if (known === undefined) found.set(key, { zone, reflectors: names, nodes: [name] });
    else known.nodes.push(name);
  }
  return [...found.values()].map((one) => failureDomainProblem(view.family, one));
}

function failureDomainProblem(
  family: Family,
  { zone, reflectors, nodes }: { zone: string; reflectors: readonly string[]; nodes: readonly string[] },
): Problem {
  const sorted = [...nodes].sort();
  return {
    code: 'one-failure-domain',
    severity: 'warning',
    subject: subjectOf(sorted),
    message: `All IPv${family} reflectors of ${nodesText(sorted)} are in zone ${zone} (${nodesText(reflectors).replace(/ nodes$/, '')}): when that fails, ${nodes.length === 1 ? 'it has' : 'they have'} none.`,
    hint: 'Let one of them peer with a reflector of another zone (label topology.kubernetes.io/zone).',
  };
}
