/** What a change to the resources would do to every speaker of the cluster: the answer to "what if?". */
import type { Family } from '../../model/address.ts';
import type { Problem } from '../../model/problem.ts';
import type { PairGroup } from '../cluster/pairs.ts';
import type { Role, SessionConfig } from '../speaker-config.ts';

/** The sessions of one speaker that a change touches; those of the node-to-node mesh are in `MeshChange`. */
export interface SpeakerChange {
  readonly speaker: string;
  /** What it is after the change, or was, where it is gone. */
  readonly role: Role;
  readonly come: readonly SessionConfig[];
  readonly go: readonly SessionConfig[];
  /** Closed and opened again with other settings. */
  readonly restart: readonly {
    readonly before: SessionConfig;
    readonly after: SessionConfig;
    /** The settings that close it: those of the session, or of the whole speaker. */
    readonly fields: readonly string[];
  }[];
  /** Changed while they stay up: filters, limits, whom they are asked for by. */
  readonly stay: readonly { readonly before: SessionConfig; readonly after: SessionConfig }[];
}

/** The node-to-node mesh of one family, where the change touches it. */
export interface MeshChange {
  readonly family: Family;
  readonly membersBefore: number;
  readonly membersAfter: number;
  /** Members before and not after: their mesh sessions end, at both ends. Sorted by name. */
  readonly leave: readonly string[];
  readonly join: readonly string[];
  /** Members all of whose mesh sessions are closed and opened again with other settings. */
  readonly restart: readonly string[];
}

/** A node with fewer reflectors than the minimum, and fewer than it had. */
export interface FewerReflectors {
  readonly node: string;
  readonly family: Family;
  readonly before: number;
  readonly after: number;
}

export interface ChangeJudgement {
  /** True where the change takes something: pairs lost, or nodes left below the minimum. */
  readonly loses: boolean;
  /** By speaker, sorted by name; only those that are touched. */
  readonly speakers: readonly SpeakerChange[];
  readonly meshes: readonly MeshChange[];
  /**
   * Pairs of nodes, there before and after, that learn each other's routes now and would not. Of a group with
   * `throughOutside` it depends on routers that no resource describes; such a group alone is no loss.
   */
  readonly lostPairs: readonly PairGroup[];
  /** Pairs that would learn what they do not learn now. */
  readonly gainedPairs: readonly PairGroup[];
  /** Sorted by name. */
  readonly fewerReflectors: readonly FewerReflectors[];
  /** What `check` finds after the change and not before. */
  readonly newProblems: readonly Problem[];
  /** What `check` finds now and would not find after it. */
  readonly settledProblems: readonly Problem[];
}

export interface JudgeOptions {
  /** Reflectors that every node should have; 2 when absent. */
  readonly minReflectors?: number;
}
