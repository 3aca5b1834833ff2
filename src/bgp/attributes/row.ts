/**
 * The row that says everything about one type of path attribute: how to check it, read it, write it, and which
 * action of RFC 7606 section 2 follows when it is malformed.
 */
import type { PathAttributes } from './path-attributes.ts';

/** RFC 7606 section 2, from the mildest to the strongest. */
export type Action = 'attribute-discard' | 'treat-as-withdraw' | 'session-reset';

/** What is known about the session when its attributes are judged. */
export interface AttributeContext {
  /** The peer is in another AS. */
  readonly external: boolean;
  readonly peerAs: number;
  /** AS numbers in AS_PATH and AGGREGATOR have four octets. */
  readonly fourOctetAs: boolean;
  /** eBGP: the first AS of the path must be the peer's (RFC 4271 section 6.3, a MAY; route servers break it). */
  readonly enforceFirstAs: boolean;
}

/** Mutable while rows read into it. */
export type AttributesDraft = { -readonly [K in keyof PathAttributes]: PathAttributes[K] };

export interface AttributeRow {
  readonly code: number;
  /** As its RFC writes it. */
  readonly name: string;
  /** The Optional and Transitive bits that it must have. */
  readonly flags: number;
  /** RFC 7606 section 4: a length of zero is a syntax error but for AS_PATH and ATOMIC_AGGREGATE. */
  readonly mayBeEmpty: boolean;
  readonly malformed: Action;
  /** The clause that says so. */
  readonly clause: string;
  /** What follows from a conflict with `flags`: RFC 7606 section 3 c, or 3 f for the two attributes that it names. */
  readonly wrongFlags: Exclude<Action, 'session-reset'>;
  /** RFC 7606 sections 7.5, 7.9, 7.10: from another AS the attribute is dropped, whatever is in it. */
  readonly discardFromExternal: boolean;
  /** What is wrong with the value at `start` to `end`, in a few words; null where it is well-formed. */
  fault(bytes: Uint8Array, start: number, end: number, context: AttributeContext): string | null;
  /** The value as it should go on, where that is not the value that came; null where it is. */
  amend?(bytes: Uint8Array, start: number, end: number): Uint8Array | null;
  /** Reads a well-formed value; AS numbers have four octets by then. */
  read(bytes: Uint8Array, start: number, end: number, into: AttributesDraft): void;
  /** The value to send, or null where `from` has none. AS numbers have four octets. */
  write(from: PathAttributes): Uint8Array | null;
}
