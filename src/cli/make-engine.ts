/** The engine that `calico-rr run` was asked for, or the one that fits the speaker's role. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createBirdEngine } from '../engine/bird/bird-engine.ts';
import { createEngineByRole } from '../engine/by-role.ts';
import type { Engine } from '../engine/engine.ts';
import { createNativeEngine } from '../engine/native/native-engine.ts';
import type { RunSettings } from './run-settings.ts';

export function makeEngine(settings: RunSettings, stateDir: string, log: Logger): Engine {
  const { acceptPrefixes, maxPrefixes, llgrSeconds } = settings;
  const common = { stateDir, acceptPrefixes, maxPrefixes, llgrSeconds, log };
  const { addPaths, overLimitSeconds } = settings;
  const native = (): Engine => createNativeEngine({ ...common, overLimitSeconds, addPaths });
  const bird = (): Engine =>
    createBirdEngine({
      ...common,
      // BIRD has no bound: a Calico node, which runs on it, mostly has but one path of each.
      addPaths: typeof addPaths === 'number' ? 'all' : addPaths,
      binary: settings.bird,
      instance: settings.instance,
      ...(settings.birdSocket === null ? {} : { socketPath: settings.birdSocket }),
      adopt: settings.adopt,
      kernel: settings.kernel,
    });
  switch (settings.engine) {
    case 'native':
      return native();
    case 'bird':
      return bird();
    case 'by-role':
      return createEngineByRole({
        native: native(),
        bird: bird(),
        birdMayRun: () => existsSync(join(stateDir, 'bird.ctl')),
        tell: (text) => log.info(text),
      });
    default:
      return settings.engine satisfies never;
  }
}
