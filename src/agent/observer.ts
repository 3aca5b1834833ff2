/**
 * Looks at the engine every few seconds and when asked, remembers which sessions are established, and tells of
 * each that came up or went down.
 */
import type { Logger } from 'pino';
import type { Engine, EngineState, ObservedSession } from '../engine/engine.ts';
import { messageOf } from '../model/errors.ts';

export interface ObserverOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** What to say of a session besides its name: its peer and the resource that asked for it. */
  readonly describe: (session: string) => Readonly<Record<string, unknown>>;
  /** True while we close sessions ourselves, so that their end is no warning. */
  readonly leaving: () => boolean;
  /** After every look. */
  readonly looked: () => void;
  readonly pollMs?: number;
}

export interface Observer {
  /** Begins to look by itself. */
  start(): void;
  /** Looks now; the last known state where the engine does not answer. */
  refresh(): Promise<EngineState | null>;
  /** Looks when what was changed has had a moment: whoever it brings is answered before thousands are looked at. */
  lookSoon(): void;
  state(): EngineState | null;
  session(name: string): ObservedSession | undefined;
  established(name: string): boolean;
  stop(): Promise<void>;
}

/** Within a blink of the eye of whoever waits for a status. */
const SOON_MS = 100;

export function createObserver(options: ObserverOptions): Observer {
  const { engine, log } = options;
  let state: EngineState | null = null;
  let sessions: ReadonlyMap<string, ObservedSession> = new Map();
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let soon: NodeJS.Timeout | null = null;
  let failing = false;
  let stopped = false;

  async function look(): Promise<void> {
    try {
      const seen = await engine.observe();
      if (failing) log.info('the engine answers again');
      failing = false;
      const before = sessions;
      const first = state === null;
      state = seen;
      sessions = new Map(seen.sessions.map((session) => [session.name, session]));
      tell(before, first);
    } catch (error) {
      if (!failing) log.warn({ reason: messageOf(error) }, 'the engine does not answer');
      failing = true;
      state = state === null ? null : { ...state, running: false, sessions: [] };
      sessions = new Map();
    }
    options.looked();
  }

  function tell(before: ReadonlyMap<string, ObservedSession>, first: boolean): void {
    const up = [...sessions.values()].filter((session) => session.state === 'Established');
    if (first) {
      log.info({ established: up.length, sessions: sessions.size }, 'engine observed');
      return;
    }
    for (const { name, state: now, info } of sessions.values()) {
      const was = before.get(name)?.state;
      if (now === 'Established' && was !== 'Established') {
        log.info({ session: name, ...options.describe(name) }, 'session established');
      } else if (now !== 'Established' && was === 'Established') {
        const about = { session: name, info, ...options.describe(name) };
        if (options.leaving()) log.info(about, 'session closed');
        else log.warn(about, 'session lost');
      }
    }
  }

  function refresh(): Promise<EngineState | null> {
    running ??= look().finally(() => {
      running = null;
    });
    return running.then(() => state);
  }

  return {
    start() {
      timer ??= setInterval(() => void refresh(), options.pollMs ?? 3000);
    },
    refresh,
    lookSoon() {
      if (stopped) return;
      soon ??= setTimeout(() => {
        soon = null;
        void refresh();
      }, SOON_MS);
    },
    state: () => state,
    session: (name) => sessions.get(name),
    established: (name) => sessions.get(name)?.state === 'Established',
    async stop() {
      stopped = true;
      if (timer !== null) clearInterval(timer);
      if (soon !== null) clearTimeout(soon);
      await running;
    },
  };
}
