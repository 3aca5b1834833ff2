/** The engines that are compared: each scenario gets one that was just started. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { prepareDebian } from '../../scripts/debian.ts';
import type { AddPaths } from '../../src/engine/add-paths.ts';
import { createBirdEngine } from '../../src/engine/bird/bird-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createNativeEngine } from '../../src/engine/native/native-engine.ts';
import type { SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { birdEndsWithUs } from '../support/left-birds.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { ground } from './ground.ts';
import type { Scenario } from './scenario.ts';
import { type Looks, play, speakerOf } from './stage.ts';

export interface Home {
  readonly name: string;
  create(stateDir: string): Promise<Engine>;
  end(engine: Engine, stateDir: string): Promise<void>;
}

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });

export const BIRD: Home = {
  name: 'BIRD',
  async create(stateDir) {
    const { bird2 } = await prepareDebian(['bird2']);
    birdEndsWithUs(stateDir);
    return createBirdEngine({ binary: bird2, stateDir, instance: 'rr1', addPaths: 'all', log });
  },
  async end(engine, stateDir) {
    await engine.stop('detach');
    const pid = Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8').trim());
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), `BIRD (process ${pid}) to be gone`, 60_000);
  },
};

export const NATIVE: Home = nativeHome('all');

export function nativeHome(addPaths: AddPaths): Home {
  return {
    name: 'native',
    create: async (stateDir) => createNativeEngine({ stateDir, addPaths, log }),
    end: (engine) => engine.stop('graceful'),
  };
}

/** @param change what the engine is told instead of the scenario's own configuration */
export async function playAt(
  home: Home,
  scenario: Scenario,
  change: (config: SpeakerConfig) => SpeakerConfig = (config) => config,
): Promise<Looks> {
  const stateDir = mkdtempSync(join(tmpdir(), 'calico-rr-differential-'));
  try {
    const here = await ground();
    const engine = await home.create(stateDir);
    try {
      return await play(engine, here, scenario, change(speakerOf(here, scenario)));
    } finally {
      await home.end(engine, stateDir);
    }
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}
