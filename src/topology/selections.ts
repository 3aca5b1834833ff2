/**
 * Whom selectors find, kept current: each different selector is asked once of each node, and again of a node only
 * when its labels change. Selectors are found by the label that they require, so a node's change costs its labels
 * and the selectors that could want them, not all selectors there are.
 */
import { isSelector, type Labels, parseSelector, type Selector } from '../model/selector/selector.ts';

/** Someone whom selectors may find. */
export interface Labelled {
  readonly name: string;
  readonly labels: Labels;
}

export interface Selections {
  /** Starts to follow a selector. It is followed until it was released as often as it was held. */
  hold(text: string): void;
  release(text: string): void;
  /** @returns true where it is found by other selectors than before */
  put(one: Labelled): boolean;
  delete(name: string): void;
  /** Names of all whom this selector finds; none where it is not held. */
  foundBy(text: string): ReadonlySet<string>;
  /** The held selectors that find this one, sorted. */
  selectorsOf(name: string): readonly string[];
  /** Forgets everything; until `finishReload` nobody is asked anything. */
  startReload(): void;
  finishReload(): void;
}

interface Held {
  readonly selector: Selector;
  readonly found: Set<string>;
  holders: number;
}

const NOBODY: ReadonlySet<string> = new Set();
const NONE: readonly string[] = [];

/** @param asks what a selector must say of one to find it: `matches`, or for those only meant by name `means` */
export function createSelections(asks: 'matches' | 'means'): Selections {
  const members = new Map<string, Labels>();
  const held = new Map<string, Held>();
  const found = new Map<string, readonly string[]>();
  const index = createRequirementIndex();
  let reloading = false;

  function settle(name: string, labels: Labels | undefined): boolean {
    const before = found.get(name) ?? NONE;
    const after: string[] = [];
    if (labels !== undefined) {
      for (const one of index.candidates(labels)) {
        if (one.selector[asks](labels)) after.push(one.selector.text);
      }
      after.sort();
    }
    if (after.length === before.length && after.every((text, place) => text === before[place])) return false;
    for (const text of before) if (!after.includes(text)) held.get(text)?.found.delete(name);
    for (const text of after) held.get(text)?.found.add(name);
    if (after.length === 0) found.delete(name);
    else found.set(name, after);
    return true;
  }

  return {
    hold(text) {
      const known = held.get(text);
      if (known !== undefined) {
        known.holders++;
        return;
      }
      const selector = parseSelector(text);
      // Readers hand on only what parses.
      if (!isSelector(selector)) return;
      const one: Held = { selector, found: new Set(), holders: 1 };
      held.set(text, one);
      index.add(one);
      if (reloading) return;
      for (const [name, labels] of members) {
        if (!selector[asks](labels)) continue;
        one.found.add(name);
        found.set(name, [...(found.get(name) ?? NONE), text].sort());
      }
    },
    release(text) {
      const one = held.get(text);
      if (one === undefined) return;
      one.holders--;
      if (one.holders > 0) return;
      held.delete(text);
      index.remove(one);
      for (const name of one.found) {
        const left = (found.get(name) ?? NONE).filter((other) => other !== text);
        if (left.length === 0) found.delete(name);
        else found.set(name, left);
      }
    },
    put({ name, labels }) {
      members.set(name, labels);
      return reloading ? false : settle(name, labels);
    },
    delete(name) {
      members.delete(name);
      if (!reloading) settle(name, undefined);
    },
    foundBy: (text) => held.get(text)?.found ?? NOBODY,
    selectorsOf: (name) => found.get(name) ?? NONE,
    startReload() {
      reloading = true;
      members.clear();
      held.clear();
      found.clear();
      index.clear();
    },
    finishReload() {
      reloading = false;
      for (const [name, labels] of members) settle(name, labels);
    },
  };
}

/** Selectors by what they require: a label of a certain value, a label of any value, or nothing that is known. */
function createRequirementIndex() {
  const byValue = new Map<string, Map<string, Set<Held>>>();
  const byLabel = new Map<string, Set<Held>>();
  const open = new Set<Held>();

  /** Every set that this selector has to be in. */
  function places({ selector: { requirement } }: Held): Set<Held>[] {
    if (requirement === undefined) return [open];
    const { label, values } = requirement;
    if (values === undefined) return [getOrMake(byLabel, label, () => new Set())];
    const ofLabel = getOrMake(byValue, label, () => new Map<string, Set<Held>>());
    return values.map((value) => getOrMake(ofLabel, value, () => new Set<Held>()));
  }

  return {
    add(one: Held) {
      for (const set of places(one)) set.add(one);
    },
    remove(one: Held) {
      for (const set of places(one)) set.delete(one);
      const { requirement } = one.selector;
      if (requirement === undefined) return;
      const { label, values } = requirement;
      if (byLabel.get(label)?.size === 0) byLabel.delete(label);
      const ofLabel = byValue.get(label);
      for (const value of values ?? []) if (ofLabel?.get(value)?.size === 0) ofLabel.delete(value);
      if (ofLabel?.size === 0) byValue.delete(label);
    },
    *candidates(labels: Labels): Iterable<Held> {
      yield* open;
      if (byLabel.size === 0 && byValue.size === 0) return;
      for (const [label, value] of Object.entries(labels)) {
        yield* byLabel.get(label) ?? [];
        yield* byValue.get(label)?.get(value) ?? [];
      }
    },
    clear() {
      byValue.clear();
      byLabel.clear();
      open.clear();
    },
  };
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
