/**
 * Who gets an answer when a connection comes in: configured peers only, at the address of ours that they are
 * configured for, and none of them more often than a speaker that works has reason to try. Pure.
 */
import { formatAddress, parseAddress } from '../../../bgp/index.ts';

/** Connections, each of which means an OPEN from us, that an address may make at once, and then one in so long. */
const BURST = 20;
const REFILL_MS = 500;

export type Verdict<Peer> =
  | { readonly peer: Peer }
  /** Closed without an answer. */
  | { readonly turnedAway: 'unknown-peer' | 'too-many-opens' };

export interface AcceptGate<Peer> {
  /**
   * @param local our address, null: any
   * @returns false where another peer stands at that pair of addresses already
   */
  add(local: string | null, remote: string, peer: Peer): boolean;
  remove(local: string | null, remote: string): void;
  /** Who stands there, without counting anything. */
  find(local: string | null, remote: string): Peer | undefined;
  /** Judges a connection that has come in. */
  judge(local: string, remote: string): Verdict<Peer>;
  readonly unknownPeer: number;
  readonly tooManyOpens: number;
}

interface Known<Peer> {
  readonly peer: Peer;
  /** Connections that may come at once, as of `at`. */
  tokens: number;
  at: number;
}

/** @param now milliseconds on a clock that never goes back */
export function createAcceptGate<Peer>(now: () => number): AcceptGate<Peer> {
  const known = new Map<string, Known<Peer>>();
  let unknownPeer = 0;
  let tooManyOpens = 0;
  return {
    add(local, remote, peer) {
      const pair = pairOf(local, remote);
      if (known.has(pair)) return false;
      known.set(pair, { peer, tokens: BURST, at: now() });
      return true;
    },
    remove(local, remote) {
      known.delete(pairOf(local, remote));
    },
    find: (local, remote) => known.get(pairOf(local, remote))?.peer,
    judge(local, remote) {
      const entry = known.get(pairOf(local, remote)) ?? known.get(pairOf(null, remote));
      if (entry === undefined) {
        unknownPeer++;
        return { turnedAway: 'unknown-peer' };
      }
      const time = now();
      entry.tokens = Math.min(BURST, entry.tokens + (time - entry.at) / REFILL_MS);
      entry.at = time;
      if (entry.tokens < 1) {
        tooManyOpens++;
        return { turnedAway: 'too-many-opens' };
      }
      entry.tokens--;
      return { peer: entry.peer };
    },
    get unknownPeer() {
      return unknownPeer;
    },
    get tooManyOpens() {
      return tooManyOpens;
    },
  };
}

function pairOf(local: string | null, remote: string): string {
  return `${local === null ? '*' : canonicalAddress(local)} ${canonicalAddress(remote)}`;
}

/** The same text for the same address, however it was written. */
export function canonicalAddress(text: string): string {
  // An IPv4 address is written in one way only.
  const address = text.includes(':') ? parseAddress(text) : null;
  return address === null ? text : formatAddress(address);
}
