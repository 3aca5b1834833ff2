/** The engine suite on our own BGP: what holds for BIRD has to hold here, with the same neighbors. */
import { pino } from 'pino';
import { createNativeEngine } from '../../src/engine/native/native-engine.ts';
import { type EngineHome, engineContract } from './engine.ts';
import { engineFilterContract } from './engine-filters.ts';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });

const native: EngineHome = {
  name: 'native',
  create: async (stateDir, settings = {}) => createNativeEngine({ stateDir, log, ...settings }),
  // It lives in this process, and `stop` has ended it.
  kill: async () => {},
};

engineContract(native);
engineFilterContract(native);
