/** Problems as people get them: each once, in an order that does not depend on the order of arrival. */
import type { Problem } from '../model/problem.ts';

export function orderedProblems(problems: Iterable<Problem>): readonly Problem[] {
  const byText = new Map<string, Problem>();
  for (const problem of problems) {
    byText.set([problem.subject, problem.code, problem.severity, problem.message].join('\0'), problem);
  }
  return [...byText].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, problem]) => problem);
}
