/**
 * On a machine that others use too: what is measured goes before everything else, generator and reflectors alike.
 * Linux shares the processors among sessions first (`autogroup`, sched(7)), and only within one among processes.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** The most that a session can have. */
const FIRST = '-20';

/**
 * @param pid a process that leads a session
 * @throws Error where the kernel has no autogroups, or this user may not
 */
export function goesFirst(pid: number): void {
  writeFileSync(`/proc/${pid}/autogroup`, FIRST);
}

/**
 * This process and all that it starts in its session.
 * @throws Error where it leads no session: whoever started it would get precedence, and keep it
 */
export function weGoFirst(): void {
  const session = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ')[3];
  if (session !== String(process.pid)) throw new Error('for --right-of-way start it with npm run bench');
  goesFirst(process.pid);
}
