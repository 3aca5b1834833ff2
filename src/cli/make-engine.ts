/** The engine that `calico-rr run` was asked for. */
import type { Logger } from 'pino';
import { createBirdEngine } from '../engine/bird/bird-engine.ts';
import type { Engine } from '../engine/engine.ts';
import { createNativeEngine } from '../engine/native/native-engine.ts';
import type { RunSettings } from './run-settings.ts';

export function makeEngine(settings: RunSettings, stateDir: string, log: Logger): Engine {
  const { acceptPrefixes, maxPrefixes, llgrSeconds } = settings;
  const common = { stateDir, acceptPrefixes, maxPrefixes, llgrSeconds, log };
  switch (settings.engine) {
    case 'native':
      return createNativeEngine(common);
    case 'bird':
      return createBirdEngine({
        ...common,
        binary: settings.bird,
        instance: settings.instance,
        ...(settings.birdSocket === null ? {} : { socketPath: settings.birdSocket }),
        adopt: settings.adopt,
        kernel: settings.kernel,
      });
    default:
      return settings.engine satisfies never;
  }
}
