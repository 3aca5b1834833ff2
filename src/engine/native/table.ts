/**
 * One family's routes and the groups of peers that are told them. Work is done in slices: the caller says for how long.
 */
import type { Family } from '../../bgp/index.ts';
import { createUpdateGroup, type Member, type Standing, type UpdateGroup } from './groups/update-group.ts';
import { compileExport, type ExportTerms } from './policy/export-policy.ts';
import { createAttributeSets } from './rib/attribute-sets.ts';
import { createRib, type Rib } from './rib/rib.ts';

export interface Table {
  readonly family: Family;
  readonly rib: Rib;
  /** A peer that is up: it is told everything and then End-of-RIB, when its group has looked at the table. */
  join(member: Member, terms: ExportTerms): void;
  leave(source: number): void;
  /** Other terms for peers that have joined, by their numbers. No session is touched; they are told the difference. */
  retarget(changes: ReadonlyMap<number, ExportTerms>): void;
  drained(source: number): void;
  refresh(source: number, enhanced: boolean): void;
  /** Nothing is told to anybody until `release`: the table is being learned again (RFC 4724 section 4.1). */
  hold(): void;
  release(): void;
  /** What has changed by now is passed on by `work`; what changes later waits for the next time. */
  begin(): void;
  /** Does a part of what there is to do. @returns whether all is done */
  work(goOn: () => boolean): boolean;
  /** Gives back what is kept for quick starts; when nothing has happened for a while. */
  tidy(): void;
  /** Routes that a peer was told. */
  toldTo(source: number): number;
  /** Each group with its peers' numbers, for people. */
  groups(): readonly {
    readonly group: UpdateGroup;
    /** Routes are numbered in it, and not prefixes. */
    readonly byPath: boolean;
    readonly members: readonly number[];
  }[];
  /** Peers that have not been told everything yet. */
  readonly behind: number;
}

interface Group {
  key: string;
  terms: ExportTerms;
  readonly group: UpdateGroup;
  readonly members: Map<number, Member>;
  /** Prefixes below this were looked at; all of them: -1. */
  primed: number;
  /** Peers that wait for that, with how far they were in another group; null: they are new. */
  waiting: { readonly member: Member; readonly standing: Standing | null }[];
}

/** Prefixes that are looked at before the time is looked at, where there are few groups. */
const SLICE = 2048;
const FEW_GROUPS = 4;

/** @param keptOctets of batches that each group keeps for peers that are behind; default: as the group has it */
export function createTable(family: Family, keptOctets?: number): Table {
  const rib = createRib(family, createAttributeSets());
  const groups = new Map<string, Group>();
  const groupOf = new Map<number, Group>();
  let held = false;
  /** Changed prefixes that are to be passed on now. */
  let due = 0;
  /**
   * Where groups were that were not at their last version, when numbers were looked through, and how many had to be kept
   * for them. While a slow peer stays where it is, it needs the same ones, and they may be very many.
   */
  let looked = { behind: '', kept: 0 };
  const heldBack: { readonly member: Member; readonly terms: ExportTerms }[] = [];

  function groupFor(terms: ExportTerms): Group {
    const key = JSON.stringify(terms);
    const known = groups.get(key);
    if (known !== undefined) return known;
    const { paths } = terms;
    const group = createUpdateGroup(
      {
        table: paths === null ? rib.prefixes : rib.paths,
        longest: terms.longestSent,
        best: rib.best,
        paths:
          paths === null
            ? null
            : { forEach: rib.forEachPath, choose: rib.choose, most: paths === 'all' ? null : paths },
        ...(keptOctets === undefined ? {} : { keptOctets }),
      },
      compileExport(terms, rib.prefixes),
    );
    if (paths !== null) rib.tellByNumber(true);
    const made: Group = { key, terms, group, members: new Map(), primed: 0, waiting: [] };
    groups.set(key, made);
    return made;
  }

  function enter(group: Group, member: Member, standing: Standing | null): void {
    groupOf.set(member.source, group);
    group.members.set(member.source, member);
    if (group.primed >= 0) group.waiting.push({ member, standing });
    else if (standing === null) group.group.join(member);
    else group.group.moveIn(member, standing);
  }

  /** How far a peer is that is about to move; null: it has been told nothing. */
  function standingOf({ group, waiting }: Group, source: number): Standing | null {
    return (
      group.standingOf(source) ?? waiting.find(({ member }) => member.source === source)?.standing ?? null
    );
  }

  /** Of a peer that waits to move in. Who is new has been told nothing, and is told everything anyway. */
  function changeStanding(source: number, change: Partial<Standing>): void {
    const group = groupOf.get(source);
    if (group === undefined) return;
    group.waiting = group.waiting.map((one) => {
      const { member, standing } = one;
      return standing === null || member.source !== source
        ? one
        : { member, standing: { ...standing, ...change } };
    });
  }

  function leave(source: number): void {
    const index = heldBack.findIndex(({ member }) => member.source === source);
    if (index >= 0) heldBack.splice(index, 1);
    const group = groupOf.get(source);
    if (group === undefined) return;
    groupOf.delete(source);
    group.members.delete(source);
    group.waiting = group.waiting.filter(({ member }) => member.source !== source);
    group.group.leave(source);
    if (group.members.size > 0) return;
    groups.delete(group.key);
    rib.tellByNumber([...groups.values()].some(({ terms }) => terms.paths !== null));
  }

  function prime(group: Group, goOn: () => boolean): boolean {
    while (group.primed >= 0) {
      if (!goOn()) return false;
      const to = Math.min(rib.prefixes.bound, group.primed + SLICE);
      group.group.prime(group.primed, to);
      group.primed = to < rib.prefixes.bound ? to : -1;
    }
    const { waiting } = group;
    group.waiting = [];
    for (const { member, standing } of waiting) enter(group, member, standing);
    return true;
  }

  /** Numbers of prefixes that are gone and that nobody will be told about any more. @returns whether all were looked at */
  function freeNumbers(goOn: () => boolean): boolean {
    if (rib.gone === 0 && rib.empty === 0) return true;
    const settled = [...groups.values()].map(({ group, terms }) => {
      return { group, upTo: group.settled, byPath: terms.paths !== null };
    });
    const behind = settled
      .filter(({ group, upTo }) => upTo < group.version)
      .map(({ upTo }) => upTo)
      .join(' ');
    const most = rib.gone + rib.empty;
    if (behind !== '' && behind === looked.behind && most <= looked.kept * 1.1 + 64) return true;
    const isFree = (byPaths: boolean) => (id: number) =>
      settled.every(
        ({ group, upTo, byPath }) => byPath !== byPaths || (!group.isTold(id) && group.changedAt(id) <= upTo),
      );
    // First these: a prefix whose routes are numbered still is not empty.
    rib.freePaths(isFree(true));
    while (!rib.freeEmpty(isFree(false), SLICE)) if (!goOn()) return false;
    looked = { behind, kept: rib.gone + rib.empty };
    return true;
  }

  return {
    family,
    rib,
    join(member, terms) {
      if (held) heldBack.push({ member, terms });
      else enter(groupFor(terms), member, null);
    },
    leave,
    retarget(changes) {
      for (const [index, waiting] of heldBack.entries()) {
        const terms = changes.get(waiting.member.source);
        if (terms !== undefined) heldBack[index] = { member: waiting.member, terms };
      }
      for (const group of [...groups.values()]) {
        const moving = [...group.members.values()].flatMap((member) => {
          const terms = changes.get(member.source);
          return terms === undefined || JSON.stringify(terms) === group.key ? [] : [{ member, terms }];
        });
        const [first] = moving;
        if (first === undefined) continue;
        const key = JSON.stringify(first.terms);
        const together =
          moving.length === group.members.size &&
          !groups.has(key) &&
          first.terms.longestSent === group.terms.longestSent &&
          moving.every(({ terms }) => JSON.stringify(terms) === key);
        if (together) {
          // Nobody has to move: the group itself has other terms, and tells the difference once for all.
          groups.delete(group.key);
          group.key = key;
          group.terms = first.terms;
          groups.set(key, group);
          group.group.setExport(compileExport(first.terms, rib.prefixes));
          if (group.primed >= 0) group.primed = 0;
          rib.changeAll();
          continue;
        }
        for (const { member, terms } of moving) {
          const standing = standingOf(group, member.source);
          leave(member.source);
          enter(groupFor(terms), member, standing);
        }
      }
    },
    drained(source) {
      groupOf.get(source)?.group.drained(source);
      changeStanding(source, { blocked: false });
    },
    refresh(source, enhanced) {
      groupOf.get(source)?.group.refresh(source, enhanced);
      changeStanding(source, { refresh: enhanced ? 'enhanced' : 'plain' });
    },
    hold() {
      held = true;
    },
    release() {
      held = false;
      for (const { member, terms } of heldBack.splice(0)) enter(groupFor(terms), member, null);
    },
    begin() {
      due = rib.changed;
    },
    work(goOn) {
      if (held) return freeNumbers(goOn);
      const slice = Math.ceil(SLICE / Math.ceil(Math.max(1, groups.size) / FEW_GROUPS));
      while (due > 0) {
        if (!goOn()) return false;
        const changed = rib.takeChanged(Math.min(slice, due));
        due -= changed.length;
        for (const { group } of groups.values()) group.flush(changed);
      }
      for (const group of groups.values()) if (group.primed >= 0 && !prime(group, goOn)) return false;
      for (const { group } of groups.values()) if (!group.distribute(goOn)) return false;
      return freeNumbers(goOn);
    },
    tidy() {
      for (const { group } of groups.values()) group.tidy();
    },
    toldTo: (source) => groupOf.get(source)?.group.countFor(source) ?? 0,
    groups: () =>
      [...groups.values()].map(({ group, terms, members }) => {
        return { group, byPath: terms.paths !== null, members: [...members.keys()] };
      }),
    get behind() {
      let behind = heldBack.length;
      for (const { group, waiting } of groups.values()) behind += group.behind + waiting.length;
      return behind;
    },
  };
}
