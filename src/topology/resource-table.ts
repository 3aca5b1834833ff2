/**
 * What the resources of one kind mean, by name. A resource that turns broken keeps its last good meaning while
 * its problem stands: a typo in the datastore must cost no session. Only an explicit deletion takes it away.
 * One that was never good counts as far as its reader could use it.
 */
import type { Broken } from '../model/change.ts';
import type { Problem } from '../model/problem.ts';
import { isWhole, type Reading } from '../model/reading.ts';
import type { Resource } from '../model/resource.ts';
import { sameRecord } from './same-record.ts';

/** The meaning of one resource before and after; at least one of the two is there, and they differ. */
export interface MeaningChange<Value> {
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

export interface ResourceTable<Value> {
  readonly values: ReadonlyMap<string, Value>;
  /** Problems of the resources' own fields, by name; only those that have some. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
  put(resource: Resource): void;
  setBroken(broken: Broken): void;
  delete(name: string): void;
  /** @returns a function that makes what stands under this name be as it is now, its last good meaning included */
  capture(name: string): () => void;
  /** Empties the table for a new listing; until `finishReload`, broken ones find their last good meaning. */
  startReload(): void;
  finishReload(): void;
}

export function createResourceTable<Value extends { readonly name: string }>(
  read: (resource: Resource) => Reading<Value>,
  onChange: (change: MeaningChange<Value>) => void,
): ResourceTable<Value> {
  const values = new Map<string, Value>();
  /** Names of those in `values` that were never whole: a later reading replaces them, good or not. */
  const partial = new Set<string>();
  const problems = new Map<string, readonly Problem[]>();
  const last = { values: new Map<string, Value>(), partial: new Set<string>() };

  function settle(name: string, after: Value | undefined): void {
    const before = values.get(name);
    if (before !== undefined && after !== undefined && sameRecord(before, after)) return;
    if (before === undefined && after === undefined) return;
    if (after === undefined) values.delete(name);
    else values.set(name, after);
    onChange({ before, after });
  }

  function recall(name: string): void {
    const value = last.values.get(name);
    if (value === undefined || values.has(name)) return;
    if (last.partial.has(name)) partial.add(name);
    settle(name, value);
  }

  return {
    values,
    problems,
    put(resource) {
      const { name } = resource.metadata;
      const reading = read(resource);
      if (reading.problems.length > 0) problems.set(name, reading.problems);
      else problems.delete(name);
      if (isWhole(reading)) {
        partial.delete(name);
        settle(name, reading.value);
        return;
      }
      recall(name);
      if (values.has(name) && !partial.has(name)) return;
      if (reading.value === undefined) partial.delete(name);
      else partial.add(name);
      settle(name, reading.value);
    },
    setBroken({ name, problem }) {
      problems.set(name, [problem]);
      recall(name);
    },
    delete(name) {
      problems.delete(name);
      partial.delete(name);
      settle(name, undefined);
    },
    capture(name) {
      const value = values.get(name);
      const wasPartial = partial.has(name);
      const told = problems.get(name);
      return () => {
        if (told === undefined) problems.delete(name);
        else problems.set(name, told);
        if (wasPartial) partial.add(name);
        else partial.delete(name);
        settle(name, value);
      };
    },
    startReload() {
      last.values = new Map(values);
      last.partial = new Set(partial);
      values.clear();
      partial.clear();
      problems.clear();
    },
    finishReload() {
      last.values = new Map();
      last.partial = new Set();
    },
  };
}
