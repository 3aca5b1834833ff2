/** Tells when a warning that was told holds no more: what nobody takes back would stand in the status for ever. */
import type { Problem } from '../model/problem.ts';

export interface Settling {
  /**
   * @param about what these warnings are all of
   * @returns subjects that were warned of before and no longer are
   */
  now(about: string, warnings: readonly Problem[]): readonly string[];
}

export function trackSettling(): Settling {
  const warned = new Map<string, ReadonlySet<string>>();
  return {
    now(about, warnings) {
      const before = warned.get(about);
      if (before === undefined && warnings.length === 0) return [];
      const subjects = new Set(warnings.map((problem) => problem.subject));
      if (subjects.size === 0) warned.delete(about);
      else warned.set(about, subjects);
      return [...(before ?? [])].filter((subject) => !subjects.has(subject));
    },
  };
}
