/**
 * What `calico-rr check` finds, kept current beside the agent's own work: some time after things came to rest, never
 * for more than a hundredth of the time, and not at all where there are so many speakers that a look at all of them
 * would keep the agent from its sessions. Findings are told; nothing is ever done about them here.
 */
import { messageOf } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { CheckOptions } from '../topology/check/check-cluster.ts';
import type { Clock } from './gather.ts';

/** The first look at so many takes some tenths of a second (`npm run bench -- reachability`). */
export const MOST_SPEAKERS = 5000;
const QUIET_MS = 5000;
const MOST_WAIT_MS = 60_000;
/** So many times as long as a look took passes before the next one. */
const REST = 100;

/** What status says of it. */
export interface ClusterFindings {
  /** ISO 8601; null: not looked at yet. */
  readonly checkedAt: string | null;
  /** Why it is not looked at, a sentence; or null. */
  readonly notChecked: string | null;
  readonly problems: readonly Problem[];
}

export interface ClusterCheck {
  /** Something changed. */
  changed(): void;
  findings(): ClusterFindings;
  stop(): void;
}

export interface ClusterCheckOptions {
  readonly topology: {
    speakerCount(): number;
    check(options: CheckOptions): readonly Problem[];
  };
  /** Problems that status tells anyway. */
  readonly told: () => readonly Problem[];
  readonly minReflectors: number;
  readonly clock: Clock;
  /** The time of day. */
  readonly date: () => Date;
}

export function createClusterCheck(options: ClusterCheckOptions): ClusterCheck {
  const { topology, clock } = options;
  let findings: ClusterFindings = { checkedAt: null, notChecked: null, problems: [] };
  let changedFirst: number | null = null;
  let notBefore = Number.NEGATIVE_INFINITY;
  let callOff: (() => void) | null = null;

  function look(): readonly Problem[] {
    const told = new Set(options.told().map(keyOf));
    const found = topology.check({ minReflectors: options.minReflectors });
    return found.filter((problem) => !told.has(keyOf(problem)));
  }

  function run(): void {
    changedFirst = null;
    callOff = null;
    if (topology.speakerCount() > MOST_SPEAKERS) {
      const notChecked = `there are more than ${MOST_SPEAKERS.toLocaleString('en')} speakers; calico-rr check looks at them`;
      findings = { checkedAt: null, notChecked, problems: [] };
      return;
    }
    const began = clock.now();
    const checkedAt = options.date().toISOString();
    try {
      findings = { checkedAt, notChecked: null, problems: look() };
    } catch (error) {
      // A fault in here must not end a reflector that works.
      findings = { checkedAt: null, notChecked: `it failed: ${messageOf(error)}`, problems: [] };
    }
    notBefore = clock.now() + (clock.now() - began) * REST;
  }

  return {
    changed() {
      const now = clock.now();
      changedFirst ??= now;
      const due = Math.max(Math.min(now + QUIET_MS, changedFirst + MOST_WAIT_MS), notBefore);
      callOff?.();
      callOff = clock.after(Math.max(0, due - now), run);
    },
    findings: () => findings,
    stop() {
      callOff?.();
      callOff = null;
    },
  };
}

function keyOf({ code, subject }: Problem): string {
  return `${code} ${subject}`;
}
