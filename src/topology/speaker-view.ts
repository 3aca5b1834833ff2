/**
 * One speaker's configuration, kept current. Changes only mark what they may alter; the work is done when
 * somebody asks, once for all that was marked. Sessions that came out as they were stay the same objects.
 */
import type { IpAddress } from '../model/address.ts';
import type { Problem } from '../model/problem.ts';
import { addressesOf, type Inventory, type InventoryChange } from './inventory.ts';
import { createMeshRules, type MeshEra } from './mesh-rules.ts';
import { byName, positionOf } from './name-order.ts';
import { createNodeRules } from './node-rules.ts';
import { orderedProblems } from './problem-order.ts';
import { createReflectorRules } from './reflector-rules.ts';
import { sameRecord } from './same-record.ts';
import type { SessionRules } from './session-rules.ts';
import type { SpeakerIdentity, SpeakerView } from './speaker.ts';
import type { FilterConfig, SessionConfig, SpeakerConfig } from './speaker-config.ts';
import { deriveFrame, type SpeakerFrame } from './speaker-frame.ts';

/** With more sessions changed than this, sorting all anew is cheaper than moving each to its place. */
const FEW_SESSIONS = 64;

export interface TrackedView extends SpeakerView {
  readonly identity: SpeakerIdentity;
  /** What it is, brought up to date. */
  frame(): SpeakerFrame;
  /** Marks what this change may alter. */
  note(change: InventoryChange): void;
  /** Marks what services of this node may alter. */
  noteServices(node: string): void;
  /** Marks everything. */
  noteAll(): void;
}

export function createSpeakerView(
  identity: SpeakerIdentity,
  inventory: Inventory,
  era: MeshEra,
): TrackedView {
  const ofNode = createNodeRules(inventory, createMeshRules(inventory, era));
  const ofReflector = createReflectorRules(inventory);
  let frame = deriveFrame(identity, inventory);
  let sessions: readonly SessionConfig[] = [];
  let filters: readonly FilterConfig[] = [];
  let config: SpeakerConfig = { ...frame.settings, filters, sessions };
  let problems: readonly Problem[] | undefined;
  const sessionAt = new Map<IpAddress, SessionConfig>();
  const problemsAt = new Map<IpAddress, readonly Problem[]>();
  /** True: some BGPFilter changed, named by a session or not. */
  let filtersMarked = false;
  let marked: 'addresses' | 'frame' | 'all' = 'all';
  const addresses = new Set<IpAddress>();

  function rules(): SessionRules {
    return frame.standing === 'node' ? ofNode : ofReflector;
  }

  function mark(what: 'frame' | 'all'): void {
    if (marked !== 'all') marked = what;
  }

  function noteAll(): void {
    marked = 'all';
    filtersMarked = true;
    addresses.clear();
  }

  function note(change: InventoryChange): void {
    if (marked === 'all') return;
    if (concernsSelf(change)) {
      noteAll();
      return;
    }
    if (change.kind === 'BGPConfiguration') {
      const name = (change.after ?? change.before)?.name ?? '';
      if (!name.startsWith('node.')) return;
      const speaker = name.slice('node.'.length);
      for (const address of addressesOf(inventory.nodes.get(speaker))) addresses.add(address);
      for (const address of addressesOf(inventory.reflectors.get(speaker))) addresses.add(address);
      return;
    }
    if (change.kind === 'BGPFilter') filtersMarked = true;
    if (changesFrame(change)) mark('frame');
    const touched = rules().touched(frame, change);
    if (touched === 'all') noteAll();
    else for (const address of touched) addresses.add(address);
  }

  /** True where the speaker itself may become another: its entry, its node, the settings of all. */
  function concernsSelf(change: InventoryChange): boolean {
    const own = addressesOf(frame.settings);
    const names = new Set([frame.settings.speaker, ...ownNames(frame)]);
    switch (change.kind) {
      case 'Node':
      case 'RouteReflector':
        return [change.before, change.after].some(
          (one) =>
            one !== undefined &&
            (names.has(one.name) || addressesOf(one).some((address) => own.includes(address))),
        );
      case 'BGPConfiguration': {
        const name = (change.after ?? change.before)?.name ?? '';
        return name === 'default' || (name.startsWith('node.') && names.has(name.slice('node.'.length)));
      }
      case 'BGPPeer':
      case 'BGPFilter':
      case 'IPPool':
      case 'BlockAffinity':
      case 'CustomFilter':
        return false;
      default:
        return change satisfies never;
    }
  }

  function changesFrame(change: InventoryChange): boolean {
    switch (change.kind) {
      case 'IPPool':
        return true;
      case 'CustomFilter':
        return frame.standing === 'node';
      case 'BlockAffinity':
        return [change.before, change.after].some(
          (block) => block !== undefined && block.node === frame.node?.name,
        );
      default:
        return false;
    }
  }

  function refresh(): void {
    if (marked === 'addresses' && addresses.size === 0 && !filtersMarked) return;
    const settingsBefore = frame.settings;
    const sessionsBefore = sessions;
    problems = undefined;
    if (marked !== 'addresses') frame = deriveFrame(identity, inventory);
    if (marked === 'all') recomputeAll();
    else recompute(addresses);
    addresses.clear();
    marked = 'addresses';
    const filtersBefore = filters;
    if (sessions !== sessionsBefore || filtersMarked) chooseFilters();
    filtersMarked = false;
    const same = sameRecord(settingsBefore, frame.settings) && filters === filtersBefore;
    if (!same || sessions !== sessionsBefore) config = { ...frame.settings, filters, sessions };
  }

  /** Only filters that a session names: another's change is no change of this speaker. */
  function chooseFilters(): void {
    const names = new Set(sessions.flatMap((session) => session.filters));
    const found = [...names].flatMap((name) => inventory.filters.get(name) ?? []).sort(byName);
    const chosen = found.map((filter) => ({ ...filter, because: `BGPFilter/${filter.name}` as const }));
    if (!sameRecord(filters, chosen)) filters = chosen;
  }

  function recomputeAll(): void {
    const before = new Map(sessionAt);
    sessionAt.clear();
    problemsAt.clear();
    let changed = false;
    for (const address of rules().addresses(frame)) {
      const slot = rules().slot(frame, address);
      if (slot.problems.length > 0) problemsAt.set(address, slot.problems);
      if (slot.session === undefined) continue;
      const old = before.get(address);
      const kept = old !== undefined && sameRecord(old, slot.session);
      sessionAt.set(address, kept ? old : slot.session);
      changed ||= !kept;
    }
    if (changed || before.size !== sessionAt.size) sessions = [...sessionAt.values()].sort(byName);
  }

  function recompute(touched: ReadonlySet<IpAddress>): void {
    const changes: { before: SessionConfig | undefined; after: SessionConfig | undefined }[] = [];
    for (const address of touched) {
      const slot = rules().slot(frame, address);
      if (slot.problems.length > 0) problemsAt.set(address, slot.problems);
      else problemsAt.delete(address);
      const before = sessionAt.get(address);
      const after = slot.session;
      if (before === after || (before !== undefined && after !== undefined && sameRecord(before, after)))
        continue;
      if (after === undefined) sessionAt.delete(address);
      else sessionAt.set(address, after);
      changes.push({ before, after });
    }
    if (changes.length === 0) return;
    if (changes.length > FEW_SESSIONS) {
      sessions = [...sessionAt.values()].sort(byName);
      return;
    }
    const list = [...sessions];
    for (const { before, after } of changes) {
      if (before !== undefined) list.splice(positionOf(list, before.name), 1);
      if (after !== undefined) list.splice(positionOf(list, after.name), 0, after);
    }
    sessions = list;
  }

  return {
    identity,
    config() {
      refresh();
      return config;
    },
    problems() {
      refresh();
      problems ??= orderedProblems([...frame.problems, ...[...problemsAt.values()].flat()]);
      return problems;
    },
    get standing() {
      refresh();
      return frame.standing;
    },
    get serviceNode() {
      refresh();
      const { node, settings } = frame;
      return node === undefined || node.withoutServices || settings.serviceRanges.length === 0
        ? null
        : node.name;
    },
    frame() {
      refresh();
      return frame;
    },
    note,
    noteServices(node) {
      if (frame.node?.name === node) mark('frame');
    },
    noteAll,
  };
}

function ownNames(frame: SpeakerFrame): readonly (string | undefined)[] {
  return [frame.entries[4]?.name, frame.entries[6]?.name, frame.node?.name];
}
