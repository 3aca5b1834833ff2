/**
 * Tells of each problem once when it appears and once when it is gone. A problem that flickers (a file that is
 * rewritten, a watch that re-lists) is not told twice: it counts as gone only after it stayed away for a while.
 */
import type { Problem } from '../model/problem.ts';

export interface ProblemLog {
  /** The problems as of now. */
  update(problems: readonly Problem[]): void;
  /** Those last given, for status. */
  current(): readonly Problem[];
}

export interface ProblemLogOptions {
  /** Milliseconds. */
  readonly now: () => number;
  readonly appeared: (problem: Problem) => void;
  readonly cleared: (problem: Problem) => void;
  /** How long a problem must be away before it counts as gone. */
  readonly settleMs?: number;
}

export function createProblemLog(options: ProblemLogOptions): ProblemLog {
  const settleMs = options.settleMs ?? 3000;
  const told = new Map<string, { problem: Problem; awaySince: number | null }>();
  let current: readonly Problem[] = [];
  return {
    update(problems) {
      const now = options.now();
      const present = new Map(problems.map((problem) => [keyOfProblem(problem), problem]));
      current = [...present.values()];
      for (const [key, problem] of present) {
        const known = told.get(key);
        told.set(key, { problem, awaySince: null });
        if (known === undefined) options.appeared(problem);
      }
      for (const [key, entry] of told) {
        if (present.has(key)) continue;
        if (entry.awaySince === null) told.set(key, { ...entry, awaySince: now });
        else if (now - entry.awaySince >= settleMs) {
          told.delete(key);
          options.cleared(entry.problem);
        }
      }
    },
    current: () => current,
  };
}

function keyOfProblem(problem: Problem): string {
  return `${problem.code} ${problem.subject} ${problem.message}`;
}
