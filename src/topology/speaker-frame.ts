/**
 * What a speaker is by itself, before any session: its standing, addresses, AS, cluster ID, group and the
 * settings that all its sessions share.
 */
import type { Family, IpAddress } from '../model/address.ts';
import type { AsNumber } from '../model/as-number.ts';
import type { Node } from '../model/node.ts';
import type { Problem } from '../model/problem.ts';
import type { RouteReflector } from '../model/route-reflector.ts';
import { addressesOf, addressOf, type DualStack, type Inventory } from './inventory.ts';
import { byName } from './name-order.ts';
import { routerIdOf } from './router-id.ts';
import { allServiceRanges, serviceRoutes } from './service-routes.ts';
import type { SpeakerIdentity, Standing } from './speaker.ts';
import type { PoolConfig, SpeakerConfig } from './speaker-config.ts';

/** BIRD's own default for the restart time that it announces, seconds. */
const DEFAULT_RESTART_SECONDS = 120;
const FAMILIES = [4, 6] as const;

export interface SpeakerFrame {
  readonly standing: Standing;
  /** Everything but the sessions, and the filters that they name. */
  readonly settings: Omit<SpeakerConfig, 'sessions' | 'filters'>;
  /** Standing `entry`: the entry that counts for each family. Two where the halves carry no name. */
  readonly entries: { readonly 4: RouteReflector | undefined; readonly 6: RouteReflector | undefined };
  /** Standing `node`: the node that it is. */
  readonly node: Node | undefined;
  readonly restartSeconds: number;
  readonly problems: readonly Problem[];
}

export function ownAddress(frame: SpeakerFrame, family: Family): IpAddress | null {
  return addressOf(frame.settings, family);
}

/** True where others find this speaker in its entry at its address of this family, so that both can mesh. */
export function isListed(frame: SpeakerFrame, family: Family): boolean {
  const entry = frame.entries[family];
  const own = ownAddress(frame, family);
  return entry !== undefined && own !== null && addressOf(entry, family) === own;
}

/** Its own entries, each once; none unless it stands as `entry`. */
export function ownEntries(frame: SpeakerFrame): readonly RouteReflector[] {
  return [...new Set(FAMILIES.map((family) => frame.entries[family]))].filter((entry) => entry !== undefined);
}

export function isOwnEntry(frame: SpeakerFrame, reflector: RouteReflector): boolean {
  return frame.entries[4] === reflector || frame.entries[6] === reflector;
}

/** Works out what this speaker is. */
export function deriveFrame(identity: SpeakerIdentity, inventory: Inventory): SpeakerFrame {
  const given = addressesOf(identity).length > 0;
  const named = identity.name === null ? undefined : inventory.reflectors.get(identity.name);
  const namedNode = identity.name === null ? undefined : inventory.nodes.get(identity.name);
  const at: DualStack = given ? identity : (named ?? namedNode ?? identity);
  const found = {
    4: entryAt(inventory, identity, at.ipv4) ?? named,
    6: entryAt(inventory, identity, at.ipv6) ?? named,
  };
  // A half that is missing borrows from the other: the process is one reflector.
  const entries = { 4: found[4] ?? found[6], 6: found[6] ?? found[4] };
  const entry = entries[at.ipv4 === null ? 6 : 4];
  const node = entry === undefined ? (namedNode ?? nodeAt(inventory, at)) : undefined;
  const standing = entry !== undefined ? 'entry' : node !== undefined ? 'node' : 'standalone';
  const self = entry ?? node;
  const speaker = identity.name ?? self?.name ?? at.ipv4 ?? at.ipv6 ?? 'unnamed';
  const { defaults } = inventory;
  const own = inventory.configurationOf(self?.name ?? speaker);
  const frame: SpeakerFrame = {
    standing,
    entries,
    node,
    restartSeconds: identity.gracefulRestartSeconds ?? DEFAULT_RESTART_SECONDS,
    problems: problemsOf({ entries, found: entry !== undefined, named, at, speaker }),
    settings: {
      speaker,
      role: node === undefined || node.clusterId !== null ? 'reflector' : 'node',
      forwards: node !== undefined,
      standalone: standing === 'standalone',
      asNumber: asOf(self, inventory),
      routerId: routerIdOf(at.ipv4, speaker, identity.routerId),
      ipv4: at.ipv4,
      ipv6: at.ipv6,
      ipv4Network: node !== undefined && node.ipv4 === at.ipv4 ? node.ipv4Network : null,
      clusterId: self?.clusterId ?? null,
      group: entry?.group ?? null,
      listenPort: identity.listenPort ?? inventory.listenPortOf(self?.name ?? speaker),
      logLevel: own?.logLevel ?? defaults?.logLevel ?? 'info',
      pools: poolsOf(inventory),
      serviceRanges: allServiceRanges(inventory.serviceRanges),
      serviceRoutes:
        node === undefined || node.withoutServices
          ? []
          : serviceRoutes(inventory.serviceRanges, inventory.servicesOf(node.name)),
      prefixAdvertisements:
        node === undefined ? [] : (own?.prefixAdvertisements ?? defaults?.prefixAdvertisements ?? []),
      ignoredInterfaces:
        node === undefined ? [] : (own?.ignoredInterfaces ?? defaults?.ignoredInterfaces ?? []),
      blocks: node === undefined ? [] : blocksOf(inventory, node),
      customFilters: node === undefined ? [] : filtersOf(inventory),
    },
  };
  return frame;
}

/** The AS that a node or reflector speaks with where no session says otherwise. */
export function asOf(
  speaker: { readonly asNumber: AsNumber | null } | undefined,
  inventory: Inventory,
): AsNumber {
  return speaker?.asNumber ?? inventory.globalAs;
}

function entryAt(
  inventory: Inventory,
  identity: SpeakerIdentity,
  address: IpAddress | null,
): RouteReflector | undefined {
  if (address === null) return undefined;
  const candidates = inventory.reflectorsAt(address);
  return candidates.find((one) => one.name === identity.name) ?? candidates[0];
}

function nodeAt(inventory: Inventory, at: DualStack): Node | undefined {
  for (const address of addressesOf(at)) {
    const node = inventory.nodesAt(address)[0];
    if (node !== undefined) return node;
  }
  return undefined;
}

function poolsOf(inventory: Inventory): readonly PoolConfig[] {
  return [...inventory.pools.values()]
    .sort(byName)
    .map(({ name, ...pool }) => ({ ...pool, because: `IPPool/${name}` as const }));
}

/** Confirmed blocks; a single address is no block (Calico leaves /32 and /128 out). */
function blocksOf(inventory: Inventory, node: Node): SpeakerConfig['blocks'] {
  const blocks = inventory
    .blocksOf(node.name)
    .filter((block) => block.confirmed && !isSingleAddress(block.cidr))
    .map((block) => block.cidr);
  return [...new Set(blocks)].sort();
}

function isSingleAddress(cidr: string): boolean {
  return cidr.endsWith(cidr.includes(':') ? '/128' : '/32');
}

function filtersOf(inventory: Inventory): SpeakerConfig['customFilters'] {
  return [...inventory.customFilters.values()].sort((a, b) => a.family - b.family || byName(a, b));
}

interface FoundSelf {
  readonly entries: SpeakerFrame['entries'];
  readonly found: boolean;
  readonly named: RouteReflector | undefined;
  readonly at: DualStack;
  readonly speaker: string;
}

function problemsOf({ entries, found, named, at, speaker }: FoundSelf): readonly Problem[] {
  const problems: Problem[] = [];
  if (at.ipv4 === null && at.ipv6 === null) {
    problems.push({
      code: 'no-address',
      severity: 'error',
      subject: speaker,
      message: 'This speaker has no address, so it has no session.',
      hint: 'Give it one by IP or IP6, or create a RouteReflector or Node of this name that has one.',
    });
  }
  for (const family of FAMILIES) {
    const own = addressOf(at, family);
    const entry = entries[family];
    if (!found || own === null || entry === undefined) continue;
    const listed = addressOf(entry, family);
    if (listed === own) continue;
    if (listed !== null && entry === named) {
      problems.push({
        code: 'conflict',
        severity: 'warning',
        subject: `RouteReflector/${entry.name}`,
        message: `It names ${listed}, but the speaker of this name is at ${own}: its peers look in the wrong place.`,
        hint: `Correct spec.ipv${family}, or start the speaker with ${family === 4 ? 'IP' : 'IP6'}=${listed}.`,
      });
    } else {
      problems.push({
        code: 'no-address',
        severity: 'warning',
        subject: `RouteReflector/${entry.name}`,
        message: `No entry names ${own}: over IPv${family} the other reflectors do not know this one.`,
        hint: `Add the address to the entry (spec.ipv${family}; in etcd the key rr_v${family}/${own}).`,
      });
    }
  }
  return problems;
}
