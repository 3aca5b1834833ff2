/**
 * Our own restart, RFC 4724 section 4.1: peers keep our routes while we learn theirs again, and we tell nothing until
 * all that were up before have sent End-of-RIB. The wait is bounded, and who is dead is not waited for: once no
 * further peer has come up for a while, those that are missing are taken for dead.
 */
import type { Clock } from './peer-link.ts';

export interface Recovery {
  readonly active: boolean;
  /** Names of peers that are still waited for. */
  readonly awaited: ReadonlySet<string>;
  up(name: string, restarting: boolean, graceful: boolean): void;
  endOfRib(name: string): void;
  /** It is gone again, or it is no peer any more. */
  gone(name: string): void;
  stop(): void;
}

/** How long after a restart peers are waited for at most (RFC 4724); BIRD's own 240 s is too long. */
const MOST_MS = 60_000;

/**
 * The wait's bound, milliseconds: no longer than anybody keeps our routes. A session's restart time is how long its peer
 * waits for our return, and ends with that; so a short one of a single peer must not end the wait for all others.
 * @param restartSeconds of the sessions; 0: without graceful restart
 */
export function recoveryBound(restartSeconds: readonly number[]): number {
  const longest = restartSeconds.reduce((most, seconds) => Math.max(most, seconds), 0);
  return longest === 0 ? MOST_MS : Math.min(MOST_MS, longest * 1000);
}

/** A client dials every few seconds; one that has not come for so long is dead. */
const QUIET_MS = 15_000;

/**
 * @param names peers that held our routes before
 * @param mostMs the wait's bound
 * @param over called once, when routes may be told
 */
export function startRecovery(
  names: ReadonlySet<string>,
  mostMs: number,
  clock: Clock,
  over: (because: string) => void,
): Recovery {
  const awaited = new Set(names);
  /** Peers that are up and have not told all. */
  const telling = new Set<string>();
  let active = true;
  let cancelQuiet = (): void => {};
  const cancelBound = clock.setTimer(mostMs, () => end('the wait is over'));

  function end(because: string): void {
    if (!active) return;
    active = false;
    cancelQuiet();
    cancelBound();
    over(because);
  }

  function look(): void {
    if (active && awaited.size === 0) end('all peers have told their routes');
  }

  function restartQuiet(): void {
    cancelQuiet();
    cancelQuiet = clock.setTimer(QUIET_MS, () => {
      if (telling.size === 0) end(`${awaited.size} peers did not come back`);
      else restartQuiet();
    });
  }

  restartQuiet();
  return {
    get active() {
      return active;
    },
    awaited,
    up(name, restarting, graceful) {
      if (!active || !awaited.has(name)) return;
      restartQuiet();
      // One that restarts too waits for us (RFC 4724 section 4.1), and one without graceful restart holds nothing.
      if (restarting || !graceful) awaited.delete(name);
      else telling.add(name);
      look();
    },
    endOfRib(name) {
      awaited.delete(name);
      telling.delete(name);
      look();
    },
    gone(name) {
      telling.delete(name);
    },
    stop() {
      active = false;
      cancelQuiet();
      cancelBound();
    },
  };
}
