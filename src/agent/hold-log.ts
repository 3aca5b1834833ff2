/** What the log says of held changes: each once when it is held, and once when it no longer is, with the reason. */
import type { Logger } from 'pino';
import { describeHold, type HeldChange } from './hold.ts';

export function tellHeld(
  log: Logger,
  before: readonly HeldChange[],
  now: readonly HeldChange[],
  approved: ReadonlySet<string>,
): void {
  const known = new Set(before.map((hold) => hold.id));
  const still = new Set(now.map((hold) => hold.id));
  for (const hold of now) if (!known.has(hold.id)) tellHold(log, 'change held', hold);
  for (const { id, resources } of before) {
    if (still.has(id)) continue;
    const why = approved.has(id) ? 'approved' : 'taken back, or its reason is gone';
    log.info({ id, because: resources }, `change no longer held: ${why}`);
  }
}

export function tellHold(log: Logger, what: string, hold: HeldChange): void {
  const { id, rules, reasons, resources } = hold;
  log.warn(
    { id, rules, reasons, because: resources, approve: `calico-rr approve ${id}` },
    `${what}: ${describeHold(hold)}`,
  );
}

/** True where both are the same changes in the same order. */
export function sameHolds(one: readonly HeldChange[], other: readonly HeldChange[]): boolean {
  return one.length === other.length && one.every((hold, index) => hold.id === other[index]?.id);
}
