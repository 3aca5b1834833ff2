/**
 * The node-to-node mesh laid over the sessions that something else asked for. Among nodes of one AS that pass nothing
 * on, it stays what it is, a mesh, so that 10,000 of them need no hundred million sessions; with all others it is
 * sessions like any.
 */
import { type End, type Network, type NetworkSpeaker, passesNothingOn } from './network.ts';

export interface MeshMember {
  /** Index of the speaker. */
  readonly speaker: number;
  readonly asNumber: number;
  /** Place of its address in the order of addresses. */
  readonly rank: number;
}

/**
 * @param speakers with the sessions that are not the mesh's, and `mesh: null`
 * @param unmeshed members between which something else asked for the session, both ways
 */
export function addMesh(
  speakers: readonly NetworkSpeaker[],
  members: readonly MeshMember[],
  unmeshed: ReadonlyMap<number, ReadonlySet<number>>,
): Network {
  if (members.length < 2) return { speakers };
  const more = new Map<number, End[]>();
  const join = (one: MeshMember, other: MeshMember): void => {
    if (unmeshed.get(one.speaker)?.has(other.speaker)) return;
    addTo(more, one.speaker, meshEnd(one, other));
    addTo(more, other.speaker, meshEnd(other, one));
  };
  const byAs = [...Map.groupBy(members, (member) => member.asNumber).values()];
  for (const [index, group] of byAs.entries()) {
    for (const other of byAs.slice(index + 1)) for (const a of group) for (const b of other) join(a, b);
  }
  const endsOf = (index: number) => [...(speakers[index]?.ends ?? []), ...(more.get(index) ?? [])];
  const meshOf = new Map<number, number>();
  for (const [number, group] of byAs.entries()) {
    if (group.length < 2) continue;
    const passing = group.filter(({ speaker }) => {
      const self = speakers[speaker];
      if (self === undefined) return false;
      const other = (end: End) => speakers[end.peer]?.ends.find((one) => one.peer === speaker);
      return !passesNothingOn({ isNode: self.isNode, ends: endsOf(speaker) }, true, other);
    });
    const done = new Set<number>();
    for (const one of passing) {
      done.add(one.speaker);
      for (const other of group) if (!done.has(other.speaker)) join(one, other);
    }
    for (const { speaker } of group) if (!done.has(speaker)) meshOf.set(speaker, number);
  }
  return {
    speakers: speakers.map((speaker, index) => {
      const mesh = meshOf.get(index) ?? null;
      const ends = more.has(index) ? endsOf(index) : speaker.ends;
      return mesh === null && ends === speaker.ends
        ? speaker
        : { ...speaker, ends, mesh, unmeshed: mesh === null ? [] : [...(unmeshed.get(index) ?? [])] };
    }),
  };
}

function meshEnd(self: MeshMember, other: MeshMember): End {
  return {
    peer: other.speaker,
    localAs: self.asNumber,
    peerAs: other.asNumber,
    client: false,
    clusterId: null,
    allowLocalAs: 0,
    imports: true,
    exports: true,
    rank: other.rank,
  };
}

function addTo(lists: Map<number, End[]>, key: number, end: End): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [end]);
  else list.push(end);
}
