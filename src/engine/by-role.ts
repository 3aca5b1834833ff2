/**
 * The engine where none was asked for: our own BGP for a reflector, BIRD for a Calico node, which has to program its
 * kernel's routes. What a speaker is can change while it runs (a Node becomes a RouteReflector); then the one engine
 * ends by graceful restart and the other takes its place, so that peers keep the routes meanwhile.
 */
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import { type Engine, type EngineEvent, type EngineState, notRunning } from './engine.ts';

export interface EnginesByRole {
  readonly native: Engine;
  readonly bird: Engine;
  /** Whether a BIRD of an earlier run may be there still: an agent that was killed leaves it running. */
  readonly birdMayRun: () => boolean;
  /** Told when a BIRD of an earlier run is ended, or when the role changed. */
  readonly tell: (text: string) => void;
}

/** Starts nothing and touches nothing yet: the first `apply` does. */
export function createEngineByRole({ native, bird, birdMayRun, tell }: EnginesByRole): Engine {
  let current: Engine | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  /** An engine is changed only when nothing else is under way. */
  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  }

  async function engineFor(config: SpeakerConfig): Promise<Engine> {
    const wanted = config.forwards ? bird : native;
    if (current === undefined && wanted === native) await endEarlierBird();
    if (current !== undefined && current !== wanted) {
      tell(`this speaker is now ${config.forwards ? 'a Calico node' : 'a reflector'}: the engine changes`);
      await handOver(current, await current.observe(), wanted);
    }
    current = wanted;
    return wanted;
  }

  /** It would hold our port and our peers' sessions. */
  async function endEarlierBird(): Promise<void> {
    const seen = birdMayRun() ? await bird.observe() : undefined;
    if (seen?.running === true) {
      tell(`${seen.engine} of an earlier run ends by graceful restart`);
      await handOver(bird, seen, native);
    } else await bird.stop('detach');
  }

  /** Peers keep the routes of the engine that ends until the other one tells them its own. */
  async function handOver(from: Engine, { sessions }: EngineState, to: Engine): Promise<void> {
    await from.stop('graceful');
    to.inherit(sessions.filter(({ state }) => state === 'Established').map(({ name }) => name));
  }

  return {
    get name() {
      return current?.name ?? 'native';
    },
    apply: (config, passwords) => exclusively(async () => (await engineFor(config)).apply(config, passwords)),
    async observe() {
      const engine = current ?? (birdMayRun() ? bird : undefined);
      return engine === undefined ? notRunning('none yet') : engine.observe();
    },
    lostRoutes: (config) =>
      exclusively(async () =>
        (current ?? (config.forwards || birdMayRun() ? bird : native)).lostRoutes(config),
      ),
    countRoutes: async (session) => current?.countRoutes(session),
    explainRoute: (prefix) => (current ?? native).explainRoute(prefix),
    async drain(request) {
      await (current ?? native).drain(request);
    },
    stop: (mode) =>
      exclusively(async () => {
        // Also what was only looked at lets go of the folder.
        for (const engine of [native, bird]) await engine.stop(engine === current ? mode : 'detach');
        current = undefined;
      }),
    inherit(sessions) {
      for (const engine of [native, bird]) engine.inherit(sessions);
    },
    guardOrigins(guard) {
      for (const engine of [native, bird]) engine.guardOrigins(guard);
    },
    reviewOrigins(changed) {
      for (const engine of [native, bird]) engine.reviewOrigins(changed);
    },
    onEvent(listener: (event: EngineEvent) => void) {
      native.onEvent(listener);
      bird.onEvent(listener);
    },
  };
}
