/**
 * What has come in on one connection and was not read yet: pieces of the stream with the time of their arrival, and at
 * last its end. It is worked off in turns; while something waits, the socket is not read, so the peer's TCP waits too.
 */
import type { Wire } from '../net/network.ts';
import type { Turns } from './turns.ts';

/** Octets worked off in one go: some hundred small messages. */
const PIECE = 16_384;

export interface Inbox {
  /** Octets that arrived at `at`, clock milliseconds. */
  octets(piece: Uint8Array, at: number): void;
  /** Nothing comes any more. */
  end(reason: string): void;
  /** Drops what waits; nothing is handed on any more. */
  drop(): void;
  /** When the newest octets arrived that wait here; null: none wait. */
  readonly newest: number | null;
}

export interface InboxReader {
  read(piece: Uint8Array, at: number): void;
  ended(reason: string): void;
}

/** @param wire asked for when it has to wait, because it is made after its inbox */
export function createInbox(turns: Turns, wire: () => Wire, reader: InboxReader): Inbox {
  let pieces: { readonly octets: Uint8Array; readonly at: number }[] = [];
  /** Octets of the first piece that were worked off already. */
  let done = 0;
  let end: string | null = null;
  let queued = false;
  let paused = false;
  let dropped = false;

  /** One piece of work; true: there is more. */
  const work = (): boolean => {
    const first = dropped ? undefined : pieces[0];
    if (first !== undefined) {
      const whole = done === 0 && first.octets.length <= PIECE;
      const octets = whole ? first.octets : first.octets.subarray(done, done + PIECE);
      done += octets.length;
      if (done >= first.octets.length) {
        pieces.shift();
        done = 0;
      }
      reader.read(octets, first.at);
    }
    if (!dropped && pieces.length > 0) return true;
    queued = false;
    if (dropped) return false;
    if (end !== null) reader.ended(end);
    else if (paused) wire().resume();
    paused = false;
    return false;
  };
  const wait = (): void => {
    if (queued) return;
    queued = true;
    turns.add(work);
  };

  return {
    octets(octets, at) {
      if (dropped) return;
      pieces.push({ octets, at });
      wait();
      // Still there: the turn is over.
      if (pieces.length > 0 && !dropped && !paused) {
        paused = true;
        wire().pause();
      }
    },
    end(reason) {
      end = reason;
      wait();
    },
    drop() {
      dropped = true;
      pieces = [];
    },
    get newest() {
      return pieces.at(-1)?.at ?? null;
    },
  };
}
