/**
 * Why a prefix goes the way it goes: who told us, which route won and at which step of the decision process, whom we
 * told and with which attributes. The words are in route-explanation.ts.
 */
import {
  decodeAttributes,
  encodePrefix,
  formatAsPath,
  formatCommunity,
  formatRouterId,
  parseAddress,
  parsePrefix,
} from '../../bgp/index.ts';
import type { ExplainedAttributes, ExplainedRoute, RouteExplanation } from '../route-explanation.ts';
import { nextHopText, prefixText } from './prefix-text.ts';
import type { OutAttributes } from './rib/attribute-sets.ts';
import { type Candidate, DECISION_STEPS, stepOfLoss } from './rib/decision.ts';
import { pathIdTold } from './rib/rib.ts';
import type { Table } from './table.ts';

/**
 * @param text a prefix; or an address, which stands for the longest prefix of a route that it lies in
 * @returns undefined where it is none of this family, or nobody told it
 */
export function explainPrefix(table: Table, text: string): RouteExplanation | undefined {
  const { rib } = table;
  const prefix = text.includes('/') ? findPrefix(table, text) : findAround(table, text);
  if (prefix === undefined) return undefined;
  const best = rib.best(prefix);
  const known = rib.routesOf(prefix);
  const compared = known.flatMap(({ route, source, used, pathId }) =>
    used === null
      ? []
      : [{ route, attributes: used, from: source, pathId } satisfies Candidate & { route: number }],
  );
  const routes = known.map((route): ExplainedRoute => {
    const { source, received, used, state } = route;
    const pathId = route.pathId === 0 ? null : route.pathId;
    const common = { session: source.name, pathId, state, attributes: explain(used ?? received) };
    if (used === null) return { ...common, verdict: 'rejected by import policy', step: null };
    if (best === undefined || route.route === best.route) return { ...common, verdict: 'used', step: null };
    const step = stepOfLoss(
      compared,
      compared.findIndex((one) => one.route === route.route),
    );
    return { ...common, verdict: `not used: ${DECISION_STEPS[step] ?? ''}`, step };
  });
  routes.sort((one, other) => Number(other.verdict === 'used') - Number(one.verdict === 'used'));
  const told = table.groups().flatMap(({ group, members, byPath }) => {
    const ids = byPath ? known.map(({ route }) => route) : [prefix];
    return ids.flatMap((id) => {
      const said = group.toldOf(id);
      if (said === undefined) return [];
      const sessions = members
        .filter((source) => source !== said.source)
        .flatMap((source) => rib.sourceAt(source)?.name ?? [])
        .sort();
      const pathId = byPath ? pathIdTold(id) : null;
      return sessions.length === 0 ? [] : [{ sessions, pathId, attributes: explain(said.out) }];
    });
  });
  return { prefix: prefixText(rib.prefixes, prefix), routes, told };
}

function findPrefix({ rib }: Table, text: string): number | undefined {
  const wanted = parsePrefix(text);
  if (wanted === null || wanted.family !== rib.family) return undefined;
  const prefix = rib.prefixes.find(encodePrefix(wanted), 1, wanted.length);
  return prefix < 0 || rib.routesOf(prefix).length === 0 ? undefined : prefix;
}

function findAround({ rib }: Table, text: string): number | undefined {
  const address = parseAddress(text);
  if (address === null || address.length !== (rib.family === 4 ? 4 : 16)) return undefined;
  for (let bits = address.length * 8; bits >= 0; bits--) {
    const prefix = rib.prefixes.find(address, 0, bits);
    if (prefix >= 0 && rib.routesOf(prefix).length > 0) return prefix;
  }
  return undefined;
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
