/**
 * Import and export rules, as BIRD filters that sessions name. Written once per family, so that a file of
 * thousands of sessions stays small and a changed bound is one changed line.
 *
 * Dedicated reflector (a reflecting Calico node keeps to the rules of nodes): reflect everything, except
 *  - a default route from a Calico client, always: one node with a wrong static route would draw the traffic
 *    of the whole cluster;
 *  - with `acceptPrefixes: 'pools'`, what lies outside the bounds (prefix-bounds.ts), where routes enter the
 *    tier: at clients and external peers. Fellow reflectors hold their own bounds at their own edge, and know
 *    external peers that we do not;
 *  - routes of our clients and external peers that are long-lived stale (RFC 9494, community 65535:6). BIRD helps every neighbor
 *    that announces LLGR and has no switch to help for the restart time only. A dead node's blocks must not
 *    draw traffic for an hour, so from the end of its restart time its routes are withdrawn. What a fellow
 *    reflector announced is kept: that is what LLGR is for here.
 */
import type { Family, Prefix } from '../../model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { filterCalls } from './bgp-filter.ts';
import type { ResolvedRenderOptions } from './options.ts';
import { judging } from './origin-tables.ts';
import { acceptedPrefixes, DEFAULT_ROUTE, ofFamily, prefixSet } from './prefix-bounds.ts';

/** Marks, inside BIRD only, a route that came from a client or an external peer: from no fellow reflector. */
const CLIENT_MARK = 'calico_rr_client';
const LLGR_STALE = '(65535, 6)';
const GRACEFUL_SHUTDOWN = '(65535, 0)';

/**
 * Statements that mark a route as a client's or an external peer's. BIRD 1 has no attributes of its own: there the name
 * of the session tells it, `Mesh_*` being the fellow reflectors of a dedicated one.
 */
function marking(options: ResolvedRenderOptions): readonly string[] {
  return options.dialect === 'bird2' ? [`${CLIENT_MARK} = 1;`] : [];
}

/** Refuses routes of our clients and external peers that are long-lived stale. */
function rejectStale(options: ResolvedRenderOptions): string {
  const fromClient = options.dialect === 'bird2' ? `defined(${CLIENT_MARK})` : '!(proto ~ "Mesh_*")';
  return `if ${fromClient} && ${LLGR_STALE} ~ bgp_community then reject;`;
}

/** Filters that the sessions of a reflector name, for one family. */
export function reflectorFilters(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  family: Family,
): readonly string[] {
  const bounds = bound(config, options, family).map((line) => `  ${line}`);
  const marks = marking(options).map((line) => `  ${line}`);
  return [
    `filter import_client_v${family} {`,
    `  if net = ${DEFAULT_ROUTE[family]} then reject;`,
    ...bounds,
    ...marks,
    '  accept;',
    '}',
    `filter import_external_v${family} {`,
    ...bounds,
    ...marks,
    '  accept;',
    '}',
    `filter export_all_v${family} {`,
    ...drained(options),
    `  ${rejectStale(options)}`,
    '  accept;',
    '}',
  ];
}

/** The declaration that `reflectorFilters` needs, once per file. */
export function reflectorDeclarations(options: ResolvedRenderOptions): readonly string[] {
  return options.dialect === 'bird2' ? [`attribute int ${CLIENT_MARK};`] : [];
}

/** Lines that turn every route into the last choice (RFC 8326 section 4). */
export function drained(options: ResolvedRenderOptions): readonly string[] {
  return options.drain === 'avoid'
    ? ['  bgp_local_pref = 0;', `  bgp_community.add(${GRACEFUL_SHUTDOWN});`]
    : [];
}

/** The `import ...;` line of a session's channel. */
export function importRule(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  session: SessionConfig,
): string {
  const { family } = session;
  const noDefault = `if net = ${DEFAULT_ROUTE[family]} then reject;`;
  const marks = marking(options);
  const judged = judging(options.origins, session);
  if (session.importPolicy === 'listed') {
    const set = prefixSet(ofFamily(session.importFilters, family));
    if (set === undefined) return 'import none;';
    const marked = !config.forwards && session.kind !== 'reflector' ? marks : [];
    return inline('import', [
      ...judged,
      ...(session.kind === 'external' ? [] : [noDefault]),
      `if net ~ ${set} then { ${[...marked, 'accept;'].join(' ')} }`,
      'reject;',
    ]);
  }
  const calls = filterCalls(config, session, 'import');
  const isPlain = judged.length + calls.length === 0;
  if (config.forwards || session.kind === 'reflector') {
    return isPlain ? 'import all;' : inline('import', [...judged, ...calls, 'accept;']);
  }
  if (isPlain) {
    return `import filter import_${session.kind === 'external' ? 'external' : 'client'}_v${family};`;
  }
  // From a router that Calico does not know a filter may accept what would be refused; from a node it may not.
  const refusals = [noDefault, ...bound(config, options, family)];
  const statements =
    session.peerName === null
      ? [...marks, ...calls, ...refusals]
      : [...judged, ...refusals, ...marks, ...calls];
  return inline('import', [...statements, 'accept;']);
}

/** The `export ...;` line of a session's channel. */
export function exportRule(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  session: SessionConfig,
): string {
  const { family } = session;
  const stale = config.forwards ? [] : [rejectStale(options)];
  const first = [...drained(options).map((line) => line.trim()), ...stale];
  switch (session.exportPolicy) {
    case 'accept': {
      const calls = filterCalls(config, session, 'export');
      if (calls.length === 0) {
        return `export filter ${config.forwards ? `export_node_v${family}` : `export_all_v${family}`};`;
      }
      return inline('export', [...first, ...calls, config.forwards ? `${nodeRules(family)}();` : 'accept;']);
    }
    case 'pools': {
      const set = prefixSet(announcedRanges(config, family));
      const rest = set === undefined ? ['reject;'] : [`if net ~ ${set} then accept;`, 'reject;'];
      return inline('export', [...first, ...filterCalls(config, session, 'export'), ...rest]);
    }
    case 'listed': {
      const set = prefixSet(ofFamily(session.exportFilters, family));
      if (set === undefined) return 'export none;';
      const inner = [...drained(options).map((line) => line.trim()), 'accept;'].join(' ');
      return inline('export', [...stale, `if net ~ ${set} then { ${inner} }`, 'reject;']);
    }
    default:
      return session.exportPolicy satisfies never;
  }
}

function inline(direction: 'import' | 'export', statements: readonly string[]): string {
  return `${direction} filter { ${statements.join(' ')} };`;
}

/** Name of the function that decides what a node announces, for filters that ask something else first. */
export function nodeRules(family: Family): string {
  return `export_node_rules_v${family}`;
}

/** What Calico's nodes announce of others: enabled pools that allow it, and service ranges. */
function announcedRanges(config: SpeakerConfig, family: Family): readonly Prefix[] {
  const pools = config.pools.filter((pool) => !pool.disabled && !pool.disableBgpExport);
  return ofFamily([...pools.map((pool) => pool.cidr), ...config.serviceRanges], family);
}

function bound(config: SpeakerConfig, options: ResolvedRenderOptions, family: Family): readonly string[] {
  const accepted = acceptedPrefixes(config, options);
  if (accepted === undefined) return [];
  const set = prefixSet(ofFamily(accepted, family));
  return [set === undefined ? 'reject;' : `if !(net ~ ${set}) then reject;`];
}
