/**
 * What the configuration of a Calico node, reflecting or not, has beyond its sessions: connected routes, kernel
 * (what goes into it: kernel-export.ts), its own blocks as blackholes, and the export filter of Calico's nodes: own
 * blocks exactly, nothing inside them, then the operator's custom filters (etcd v2's `global/custom_filters`), then
 * what lies in enabled pools.
 */
import { addressBits, type Family, familyOf, type Prefix } from '../../model/address.ts';
import type { PoolConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { addCommunity, filterCalls } from './bgp-filter.ts';
import { channelOf, inChannel } from './channel.ts';
import { oneLine } from './comment.ts';
import { drained, nodeRules } from './filters.ts';
import { kernelExport } from './kernel-export.ts';
import type { ResolvedRenderOptions } from './options.ts';
import { ofFamily, prefixSet } from './prefix-bounds.ts';

type CustomFilter = SpeakerConfig['customFilters'][number];

/** How a custom filter is named in reports. */
export function customFilterSubject(filter: CustomFilter): string {
  return `CustomFilter/v${filter.family}-${filter.name}`;
}

/** True for a name that `customFilterSubject` made; no session has such a one. */
export function isCustomFilter(owner: string): boolean {
  return owner.startsWith('CustomFilter/');
}

function functionName(filter: CustomFilter): string {
  const safe = [...filter.name]
    .map((letter) => (/[A-Za-z0-9]/.test(letter) ? letter : `_${letter.codePointAt(0)?.toString(16)}_`))
    .join('');
  return `custom_v${filter.family}_${safe.slice(0, 40)}`;
}

/** The operator's text as a function of its own, so that a broken one can be told from the rest. */
export function customFilterBlock(filter: CustomFilter): string {
  return `# ${oneLine(customFilterSubject(filter))}\nfunction ${functionName(filter)}() {\n${filter.text}\n}\n`;
}

/** Custom filters in the order in which they are asked. */
export function sortedCustomFilters(config: SpeakerConfig): readonly CustomFilter[] {
  return [...config.customFilters].sort((a, b) => a.family - b.family || (a.name < b.name ? -1 : 1));
}

/** Device, direct and kernel protocols and the blackholes of the own blocks. */
export function nodeProtocols(config: SpeakerConfig, options: ResolvedRenderOptions): readonly string[] {
  const families = ([4, 6] as const).filter((family) => hasFamily(config, family));
  return [
    'protocol direct {',
    ...families.flatMap((family) => channelOf(options, family)),
    `  interface ${[...config.ignoredInterfaces, 'cali*', 'kube-ipvs*'].map((name) => `-"${name}"`).join(', ')}, "*";`,
    '}',
    ...families.flatMap((family) => [
      ...kernel(config, options, family),
      ...blackholes(options, 'blocks', config.blocks, family),
      ...blackholes(options, 'services', config.serviceRoutes, family),
      ...gateways(config, options, family),
    ]),
  ];
}

/** True where the speaker has an address or a session of this family. */
export function hasFamily(config: SpeakerConfig, family: Family): boolean {
  return (
    (family === 4 ? config.ipv4 : config.ipv6) !== null ||
    config.sessions.some((session) => session.family === family)
  );
}

function kernel(config: SpeakerConfig, options: ResolvedRenderOptions, family: Family): readonly string[] {
  if (!options.kernel) return [];
  const routes = ['import all;', `export filter { ${kernelExport(config, options, family).join(' ')} };`];
  return [
    `protocol kernel kernel_v${family} {`,
    '  learn;',
    '  persist;',
    '  scan time 2;',
    '  graceful restart;',
    '  merge paths on;',
    ...inChannel(options, family, routes),
    '}',
  ];
}

function blackholes(
  options: ResolvedRenderOptions,
  name: string,
  prefixes: readonly Prefix[],
  family: Family,
): readonly string[] {
  const own = ofFamily(prefixes, family);
  if (own.length === 0) return [];
  return [
    `protocol static ${name}_v${family} {`,
    ...channelOf(options, family),
    ...own.map((prefix) => `  route ${prefix} blackhole;`),
    '}',
  ];
}

/** Ways to peers that are reached by a gateway of their own (BGPPeer.reachableBy). */
function gateways(config: SpeakerConfig, options: ResolvedRenderOptions, family: Family): readonly string[] {
  const length = addressBits(family);
  const routes = config.sessions
    .filter((session) => session.family === family && session.reachableBy !== null)
    .map((session) => `  route ${session.peerAddress}/${length} via ${session.reachableBy};`);
  if (routes.length === 0) return [];
  return [`protocol static gateways_v${family} {`, ...channelOf(options, family), ...routes, '}'];
}

/**
 * The export filter that the sessions of a node name, and the same as a function where BGPFilters are asked first.
 * The order is Calico's: pools that are not announced, communities, own blocks, service ranges, custom filters, pools.
 * @param custom those whose text BIRD accepts
 */
export function nodeExportFilter(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  custom: readonly CustomFilter[],
  family: Family,
): readonly string[] {
  const blocks = ofFamily(config.blocks, family);
  const ofPools = (which: (pool: PoolConfig) => boolean) =>
    prefixSet(
      ofFamily(
        config.pools.filter(which).map((pool) => pool.cidr),
        family,
      ),
    );
  const hidden = ofPools((pool) => pool.disableBgpExport);
  const pools = ofPools((pool) => !pool.disabled && !pool.disableBgpExport);
  const services = prefixSet(ofFamily(config.serviceRanges, family));
  const body = [
    ...drained(options),
    ...(hidden === undefined ? [] : [`  if net ~ ${hidden} then reject;`]),
    ...config.prefixAdvertisements
      .filter(({ cidr, communities }) => familyOf(cidr) === family && communities.length > 0)
      .map(
        ({ cidr, communities }) => `  if net ~ ${cidr} then { ${communities.map(addCommunity).join(' ')} }`,
      ),
    ...(blocks.length === 0
      ? []
      : [
          `  if net ~ [ ${blocks.join(', ')} ] then accept;`,
          `  if net ~ [ ${blocks.map((block) => `${block}+`).join(', ')} ] then reject;`,
        ]),
    ...(services === undefined ? [] : [`  if net ~ ${services} then accept;`]),
    ...custom.filter((filter) => filter.family === family).map((filter) => `  ${functionName(filter)}();`),
    ...(pools === undefined ? [] : [`  if net ~ ${pools} then accept;`]),
    '  reject;',
    '}',
  ];
  const isAsked = config.sessions.some(
    (session) => session.family === family && filterCalls(config, session, 'export').length > 0,
  );
  return [
    ...(isAsked ? [`function ${nodeRules(family)}() {`, ...body] : []),
    `filter export_node_v${family} {`,
    ...body,
  ];
}
