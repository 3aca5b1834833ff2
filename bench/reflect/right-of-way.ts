/**
 * On a machine that others use too: what is measured goes before everything else, generator and reflectors alike.
 * Linux shares the processors among sessions first (`autogroup`, sched(7)), and only within one among processes.
 */
import { writeFileSync } from 'node:fs';

/** The most that a session can have. */
const FIRST = '-20';

/**
 * @param pid a process that leads a session
 * @throws Error where the kernel has no autogroups, or this user may not
 */
export function goesFirst(pid: number): void {
  writeFileSync(`/proc/${pid}/autogroup`, FIRST);
}
