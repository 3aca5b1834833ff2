/**
 * Why a prefix goes the way it goes: who told us, which route won and at which step of the decision process, whom we
 * told and with which attributes.
 */
import {
  decodeAttributes,
  encodePrefix,
  formatAsPath,
  formatCommunity,
  formatRouterId,
  parsePrefix,
} from '../../bgp/index.ts';
import { nextHopText } from './prefix-text.ts';
import type { OutAttributes } from './rib/attribute-sets.ts';
import { compareRoutes, DECISION_STEPS } from './rib/decision.ts';
import type { RouteState } from './rib/rib.ts';
import type { Table } from './table.ts';

export interface ExplainedAttributes {
  readonly nextHop: string;
  readonly asPath: string;
  readonly localPref: number | null;
  readonly med: number | null;
  readonly originatorId: string | null;
  readonly clusterList: readonly string[];
  readonly communities: readonly string[];
}

export interface ExplainedRoute {
  /** Name of the session that told it. */
  readonly session: string;
  readonly state: RouteState;
  /** `used`; or what the used one has before it (docs/engine.md lists the steps); or that policy rejected it. */
  readonly verdict: string;
  /** Number of the deciding step; null for what is used or rejected. */
  readonly step: number | null;
  readonly attributes: ExplainedAttributes;
}

export interface Explanation {
  readonly prefix: string;
  /** The one that is used first. */
  readonly routes: readonly ExplainedRoute[];
  /** What was told, by group of sessions that are told the same. Sessions that are behind will be told. */
  readonly told: readonly {
    readonly sessions: readonly string[];
    readonly attributes: ExplainedAttributes;
  }[];
}

/** @returns undefined where `text` is no prefix of this family, or nobody told it */
export function explainPrefix(table: Table, text: string): Explanation | undefined {
  const { rib } = table;
  const wanted = parsePrefix(text);
  if (wanted === null || wanted.family !== rib.family) return undefined;
  const prefix = rib.prefixes.find(encodePrefix(wanted), 1, wanted.length);
  if (prefix < 0) return undefined;
  const best = rib.best(prefix);
  const routes = rib.routesOf(prefix).map((route): ExplainedRoute => {
    const { source, received, used, state } = route;
    const common = { session: source.name, state, attributes: explain(used ?? received) };
    if (used === null) return { ...common, verdict: 'rejected by import policy', step: null };
    if (best === undefined || source === best.source) return { ...common, verdict: 'used', step: null };
    const step = Math.abs(
      compareRoutes({ attributes: best.attributes, from: best.source }, { attributes: used, from: source }),
    );
    return { ...common, verdict: `not used: ${DECISION_STEPS[step] ?? ''}`, step };
  });
  routes.sort((one, other) => Number(other.verdict === 'used') - Number(one.verdict === 'used'));
  const told = table.groups().flatMap(({ group, members }) => {
    const said = group.toldOf(prefix);
    if (said === undefined) return [];
    const sessions = members
      .filter((source) => source !== said.source)
      .flatMap((source) => rib.sourceAt(source)?.name ?? [])
      .sort();
    return sessions.length === 0 ? [] : [{ sessions, attributes: explain(said.out) }];
  });
  return { prefix: text, routes, told };
}

function explain({ bytes, nextHop }: OutAttributes): ExplainedAttributes {
  const { asPath, localPref, med, originatorId, clusterList, communities } = decodeAttributes(bytes);
  return {
    nextHop: nextHopText(nextHop),
    asPath: formatAsPath(asPath ?? []),
    localPref,
    med,
    originatorId: originatorId === null ? null : formatRouterId(originatorId),
    clusterList: clusterList.map(formatRouterId),
    communities: communities.map(formatCommunity),
  };
}
