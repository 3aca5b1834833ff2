/**
 * Calico's BGPFilters as BIRD functions, one for each direction and family that has rules, named as Calico's own
 * agent names them (`bgp_NAME_importFilterV4`). Whether a session is within its AS is told to the function, since
 * one filter may serve sessions of both kinds. What no rule decides comes back to the filter that asked.
 */
import { createHash } from 'node:crypto';
import type { Family } from '../../model/address.ts';
import type { FilterOperation, FilterRule, PrefixMatch } from '../../model/bgp-filter.ts';
import { type Community, isLargeCommunity } from '../../model/community.ts';
import type { FilterConfig, SessionConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { oneLine } from './comment.ts';

type Direction = 'import' | 'export';

/** Calico carries a route's metric as LOCAL_PREF, turned around: the lesser metric is preferred. */
const PRIORITY_BASE = 2147483647;
/** BIRD's limit for a name, less `bgp_` and `_importFilterV4`. */
const MOST_LETTERS = 45;

function rulesOf(filter: FilterConfig, direction: Direction, family: Family): readonly FilterRule[] {
  if (direction === 'import') return family === 4 ? filter.importV4 : filter.importV6;
  return family === 4 ? filter.exportV4 : filter.exportV6;
}

/** In quotes, since names of resources hold dots and dashes; long ones are cut as Calico cuts them. */
function functionName(name: string, direction: Direction, family: Family): string {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16).toUpperCase();
  const short = name.length <= MOST_LETTERS ? name : `${name.slice(0, MOST_LETTERS - 17)}_${digest}`;
  return `'bgp_${short}_${direction}FilterV${family}'`;
}

/** The functions of one family. */
export function filterFunctions(config: SpeakerConfig, family: Family): readonly string[] {
  return config.filters.flatMap((filter) =>
    (['import', 'export'] as const).flatMap((direction) => {
      const rules = rulesOf(filter, direction, family);
      if (rules.length === 0) return [];
      return [
        `# ${oneLine(filter.because)}`,
        `function ${functionName(filter.name, direction, family)}(bool within_as) {`,
        ...rules.map((rule) => `  ${ruleText(rule)}`),
        '}',
      ];
    }),
  );
}

/** Which functions there are, as one value to compare. */
export function filterSummary(config: SpeakerConfig): readonly (readonly [string, ...boolean[]])[] {
  return config.filters.map(({ name, importV4, importV6, exportV4, exportV6 }) => [
    name,
    ...[importV4, importV6, exportV4, exportV6].map((rules) => rules.length > 0),
  ]);
}

/** Statements that ask a session's filters in order; none where it names none that has rules for this. */
export function filterCalls(
  config: SpeakerConfig,
  session: SessionConfig,
  direction: Direction,
): readonly string[] {
  if (session.filters.length === 0) return [];
  const known = new Map(config.filters.map((filter) => [filter.name, filter]));
  const internal = session.localAs === session.peerAs ? 'true' : 'false';
  return session.filters.flatMap((name) => {
    const filter = known.get(name);
    if (filter === undefined || rulesOf(filter, direction, session.family).length === 0) return [];
    return [`${functionName(name, direction, session.family)}(${internal});`];
  });
}

function ruleText(rule: FilterRule): string {
  const statements = [...rule.operations.flatMap(operationText), `${rule.action};`].join(' ');
  const conditions = conditionsOf(rule);
  return conditions.length === 0 ? statements : `if ${conditions.join(' && ')} then { ${statements} }`;
}

function conditionsOf(rule: FilterRule): readonly string[] {
  const { prefixes, fromPeers, peerType, community, asPathPrefix, priority } = rule;
  return [
    ...(prefixes === null ? [] : [prefixText(prefixes)]),
    ...(fromPeers ? ['source = RTS_BGP'] : []),
    ...(rule.interface === null ? [] : [`defined(ifname) && ifname ~ "${rule.interface}"`]),
    ...(peerType === null ? [] : [peerType === 'internal' ? 'within_as' : '!within_as']),
    ...(community === null ? [] : [`${pairText(community)} ~ ${listOf(community)}`]),
    ...(asPathPrefix.length === 0 ? [] : [`bgp_path ~ [= ${asPathPrefix.join(' ')} * =]`]),
    ...(priority === null ? [] : [`defined(bgp_local_pref) && bgp_local_pref = ${PRIORITY_BASE - priority}`]),
  ].map((condition) => `(${condition})`);
}

function prefixText({ cidr, within, minLength, maxLength }: PrefixMatch): string {
  const own = Number(cidr.slice(cidr.indexOf('/') + 1));
  const longest = cidr.includes(':') ? 128 : 32;
  const test =
    minLength === own && maxLength === own
      ? `net = ${cidr}`
      : minLength === own && maxLength === longest
        ? `net ~ ${cidr}`
        : `net ~ [ ${cidr}{${minLength},${maxLength}} ]`;
  return within ? test : `!(${test})`;
}

function operationText(operation: FilterOperation): readonly string[] {
  switch (operation.type) {
    case 'add-community':
      return [addCommunity(operation.community)];
    case 'prepend-as-path':
      return [...operation.path].reverse().map((asNumber) => `bgp_path.prepend(${asNumber});`);
    case 'set-priority':
      return [`bgp_local_pref = ${PRIORITY_BASE - operation.priority};`];
    default:
      return operation satisfies never;
  }
}

/** The statement that gives a route a community. */
export function addCommunity(community: Community): string {
  return `${listOf(community)}.add(${pairText(community)});`;
}

function pairText(community: Community): string {
  return `(${community.replaceAll(':', ', ')})`;
}

function listOf(community: Community): string {
  return isLargeCommunity(community) ? 'bgp_large_community' : 'bgp_community';
}
