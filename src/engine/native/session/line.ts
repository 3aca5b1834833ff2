/**
 * One TCP connection of a session: its frames, its timers, and when something last came or went. The session
 * (peer-session.ts) decides; this keeps count.
 */
import {
  type Connection,
  type ConnectionTimer,
  createFramer,
  type Framer,
  type Negotiated,
  type UpdateContext,
} from '../../../bgp/index.ts';
import type { Wire, WireEvents } from '../net/network.ts';
import type { Clock } from '../peer-link.ts';
import { createInbox, type Inbox, type InboxReader } from './inbox.ts';
import { type TimerWheel, type WheelTimer, wheelTimer } from './timer-wheel.ts';
import type { Turns } from './turns.ts';

export interface Line {
  readonly connection: Connection;
  readonly wire: Wire;
  readonly framer: Framer;
  readonly inbox: Inbox;
  /** Known from both OPENs on. */
  terms: { readonly negotiated: Negotiated; readonly updates: UpdateContext } | null;
  /** Arrival of the octets that are being worked off; null: nothing is. */
  reading: number | null;
  /** Whether the octets that are being worked off have counted as a sign of life yet. */
  heard: boolean;
  /** How many octets of ours the peer's TCP had taken when that was last looked at, and when they had become more. */
  taken: number;
  takenAt: number;
  /** The engine was told to wait for `drained`. */
  blocked: boolean;
  /** Start anew; the hold timer from the arrival of what is being read. */
  startTimer(timer: ConnectionTimer, ms: number): void;
  stopTimer(timer: ConnectionTimer): void;
  timer(timer: ConnectionTimer): WheelTimer;
}

export interface LineHost {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turns: Turns;
}

export interface LineEvents extends InboxReader {
  connected(): void;
  drained(): void;
  expired(timer: ConnectionTimer, ms: number): void;
}

export const CONNECTION_TIMERS: readonly ConnectionTimer[] = ['hold', 'keepalive', 'delay-open', 'send-hold'];

/**
 * @param open makes the connection; what happens to it comes to the events that it is handed
 * @param events made for this line, before anything can happen to it
 */
export function createLine(
  host: LineHost,
  connection: Connection,
  open: (events: WireEvents) => Wire,
  eventsOf: (line: Line) => LineEvents,
): Line {
  const { clock, wheel, turns } = host;
  const timers = new Map<ConnectionTimer, { readonly wheel: WheelTimer; ms: number }>();
  const entryOf = (timer: ConnectionTimer): { readonly wheel: WheelTimer; ms: number } => {
    const known = timers.get(timer);
    if (known !== undefined) return known;
    const entry = { wheel: wheelTimer(() => events.expired(timer, entry.ms)), ms: 0 };
    timers.set(timer, entry);
    return entry;
  };
  const wire = open({
    connected: () => events.connected(),
    received: (octets) => line.inbox.octets(octets, clock.now()),
    drained: () => events.drained(),
    closed: (reason) => line.inbox.end(reason),
  });
  const line: Line = {
    connection,
    wire,
    framer: createFramer(),
    inbox: createInbox(turns, () => wire, {
      read: (piece, at) => events.read(piece, at),
      ended: (reason) => events.ended(reason),
    }),
    terms: null,
    reading: null,
    heard: false,
    taken: 0,
    takenAt: clock.now(),
    blocked: false,
    startTimer(timer, ms) {
      const entry = entryOf(timer);
      entry.ms = ms;
      // Only the hold timer asks when something came; the others run from what we do.
      wheel.start(entry.wheel, ms, timer === 'hold' && line.reading !== null ? line.reading : clock.now());
    },
    stopTimer(timer) {
      const entry = timers.get(timer);
      if (entry !== undefined) wheel.stop(entry.wheel);
    },
    timer: (timer) => entryOf(timer).wheel,
  };
  const events = eventsOf(line);
  return line;
}
