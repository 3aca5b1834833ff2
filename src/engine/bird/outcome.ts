/**
 * What a reconfiguration did to each session, judged from what BIRD did and not only from the two texts: a
 * session that BIRD took down has a new state or a new time since when it is in that state.
 */
import type { SessionOutcome } from '../engine.ts';
import { settingsOf } from './config-file.ts';
import type { ProtocolRow } from './replies.ts';

/**
 * @param before blocks that ran, by session name; `after`: those that run now
 * @param rowsBefore BIRD's rows just before the reconfiguration; `rowsAfter`: once it was done
 */
export function outcomes(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  rowsBefore: ReadonlyMap<string, ProtocolRow>,
  rowsAfter: ReadonlyMap<string, ProtocolRow>,
): ReadonlyMap<string, SessionOutcome> {
  const result = new Map<string, SessionOutcome>();
  for (const [name, text] of after) {
    const old = before.get(name);
    const oldRow = rowsBefore.get(name);
    if (old === undefined || oldRow === undefined) {
      result.set(name, 'added');
      continue;
    }
    const changed = old !== text && settingsOf(old) !== settingsOf(text);
    if (wasRestarted(oldRow, rowsAfter.get(name), changed)) result.set(name, 'restarted');
    else result.set(name, changed ? 'changed' : 'kept');
  }
  for (const name of before.keys()) if (!after.has(name)) result.set(name, 'removed');
  return result;
}

function wasRestarted(before: ProtocolRow, after: ProtocolRow | undefined, changed: boolean): boolean {
  if (after === undefined || (before.state === after.state && sameMoment(before.since, after.since)))
    return false;
  // Up before: it went down, and may be up again by now.
  if (before.state === 'up') return true;
  // Not up before: it may have come up just now by itself. Only a changed one was taken down by us.
  return changed && after.state !== 'up';
}

const DAY_MS = 86_400_000;
/** A session that was taken down is not back so soon: either side waits longer before it dials. */
const WOBBLE_MS = 500;

/**
 * True where two readings of SINCE tell the same moment.
 *
 * BIRD counts from its start and converts to the time of day anew for each reply. It reads the one clock when it wakes up
 * and the other one when it replies; so one moment reads later by as much as it had to do, or had to wait, in between.
 */
export function sameMoment(one: string, other: string): boolean {
  if (one === other) return true;
  const times = [one, other].map((text) => /^(\d\d):(\d\d):(\d\d)\.(\d{3})$/.exec(text));
  const [first, second] = times.map((time) =>
    time === null
      ? Number.NaN
      : (Number(time[1]) * 60 + Number(time[2])) * 60_000 + Number(time[3]) * 1000 + Number(time[4]),
  );
  const apart = Math.abs((first ?? Number.NaN) - (second ?? Number.NaN));
  return apart <= WOBBLE_MS || apart >= DAY_MS - WOBBLE_MS;
}
