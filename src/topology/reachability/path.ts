/**
 * What one speaker does with one route: whether it passes it on, what it adds, whether the next one takes it, and
 * which of several it prefers. RFC 4271 sections 9.1.2.2 and 9.2, RFC 4456 sections 8 and 9.
 *
 * Where implementations differ this is BIRD, which Calico's nodes run and which drives our reflectors: it looks for
 * its cluster ID where a route comes from a client and where one goes to a client, and not where one comes from a
 * reflector that is no client. What such a reflector sent stays in the table, wins over others perhaps, and goes to
 * no client (RFC 4456 would have it ignored on arrival). Cost to the next hop is taken to be equal, since nobody
 * here knows it; local preference and MED are those of a cluster in which nobody sets them.
 */
import { type End, isInternal } from './network.ts';

/** A route to one node's addresses as one speaker has it. */
export interface Path {
  readonly asPath: readonly number[];
  /** Learned over an external session. */
  readonly external: boolean;
  /** ORIGINATOR_ID, or the router ID of who sent it. */
  readonly originator: number;
  readonly clusters: readonly number[];
  /** The speaker that sent it; null: it is this speaker's own. */
  readonly from: number | null;
  /** Learned from a client. */
  readonly fromClient: boolean;
  /** Cluster ID of the session that it came over. */
  readonly viaCluster: number | null;
  readonly rank: number;
}

/** What goes over a session. */
export interface Update {
  readonly asPath: readonly number[];
  readonly originator: number;
  readonly clusters: readonly number[];
}

/** The route of a speaker itself. */
export function ownPath(routerId: number): Path {
  return {
    asPath: [],
    external: false,
    originator: routerId,
    clusters: [],
    from: null,
    fromClient: false,
    viaCluster: null,
    rank: 0,
  };
}

/** As much of an end as decides what is sent over it. */
type SendingEnd = Pick<End, 'localAs' | 'peerAs' | 'client' | 'clusterId' | 'exports'>;

/** True where a speaker sends over the one what it sends over the other, whatever that is. */
export function sendsTheSame(one: SendingEnd, other: SendingEnd): boolean {
  return (
    one.localAs === other.localAs &&
    one.peerAs === other.peerAs &&
    one.client === other.client &&
    one.clusterId === other.clusterId &&
    one.exports === other.exports
  );
}

/** True where a speaker sends something over one of its ends while `path` is its best. */
export function isSent(path: Path, end: SendingEnd): boolean {
  if (!end.exports) return false;
  if (!isInternal(end) || path.from === null || path.external) return true;
  if (!end.client && !path.fromClient) return false;
  return end.clusterId === null || !path.clusters.includes(end.clusterId);
}

/** The AS path that it is sent with. */
export function sentAsPath(path: Path, end: SendingEnd): readonly number[] {
  return isInternal(end) ? path.asPath : [end.localAs, ...path.asPath];
}

/** The originator that it is sent with. */
export function sentOriginator(path: Path, routerId: number, end: SendingEnd): number {
  return !isInternal(end) || path.from === null || path.external ? routerId : path.originator;
}

/** What a speaker sends over one of its ends while `path` is its best, or null where it sends nothing. */
export function sent(path: Path, routerId: number, end: SendingEnd): Update | null {
  if (!isSent(path, end)) return null;
  return {
    asPath: sentAsPath(path, end),
    originator: sentOriginator(path, routerId, end),
    clusters: sentClusters(path, end),
  };
}

/** A client's session adds its cluster ID on the way in and on the way out, one and the same once (RFC 4456 section 8). */
function sentClusters(path: Path, end: SendingEnd): readonly number[] {
  if (!isInternal(end) || path.from === null || path.external) return [];
  const clusters = [...path.clusters];
  if (path.viaCluster !== null) clusters.push(path.viaCluster);
  if (end.clusterId !== null && end.clusterId !== path.viaCluster) clusters.push(end.clusterId);
  return clusters;
}

/** What the other end makes of it, or null where it refuses it. */
export function taken(update: Update, routerId: number, end: End): Path | null {
  if (!end.imports) return null;
  if (countOf(update.asPath, end.localAs) > end.allowLocalAs) return null;
  const external = !isInternal(end);
  if (!external && update.originator === routerId) return null;
  if (end.clusterId !== null && update.clusters.includes(end.clusterId)) return null;
  return {
    ...update,
    external,
    from: end.peer,
    fromClient: end.client,
    viaCluster: end.clusterId,
    rank: end.rank,
  };
}

function countOf(list: readonly number[], item: number): number {
  let count = 0;
  for (const one of list) if (one === item) count++;
  return count;
}

/** True where `one` wins: RFC 4271 section 9.1.2.2 with RFC 4456 section 9, by its letters. */
export function isBetter(one: Path, other: Path): boolean {
  // Its own route has the higher preference already.
  if ((one.from === null) !== (other.from === null)) return one.from === null;
  // a) the shorter AS path; b), c) origin and MED are the same everywhere
  if (one.asPath.length !== other.asPath.length) return one.asPath.length < other.asPath.length;
  // d) external before internal; e) the cost to the next hop is taken to be equal
  if (one.external !== other.external) return one.external;
  // f) the lower router ID, or ORIGINATOR_ID in its place
  if (one.originator !== other.originator) return one.originator < other.originator;
  // the shorter CLUSTER_LIST (RFC 4456 section 9)
  if (one.clusters.length !== other.clusters.length) return one.clusters.length < other.clusters.length;
  // g) the lower peer address
  return one.rank < other.rank;
}

/** True where whoever is sent one cannot tell it from the other. */
export function isSamePath(one: Path | null, other: Path | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.from === other.from &&
    one.external === other.external &&
    one.originator === other.originator &&
    sameNumbers(one.asPath, other.asPath) &&
    sameNumbers(one.clusters, other.clusters)
  );
}

function sameNumbers(one: readonly number[], other: readonly number[]): boolean {
  return one === other || (one.length === other.length && one.every((item, index) => item === other[index]));
}
