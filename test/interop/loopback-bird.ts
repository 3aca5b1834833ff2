/** A real BIRD on loopback addresses for one test: in a temp folder of its own, without root, gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { prepareDebian } from '../../scripts/debian.ts';
import { type BirdFlavour, startBird } from '../support/bird-daemon.ts';
import { runToEnd, start } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** Where the processes of these tests run: here. */
const HERE = { name: 'this machine', start, run: runToEnd };

export interface LoopbackBird {
  /** What birdc prints for a command, errors of BIRD included. */
  ask(command: string): Promise<string>;
  /** Asks until the answer holds `wanted`, and returns it. */
  askUntil(command: string, wanted: RegExp): Promise<string>;
}

export async function loopbackBird(
  context: TestContext,
  flavour: BirdFlavour,
  configuration: string,
): Promise<LoopbackBird> {
  await prepareDebian(['bird2', 'birdc2', 'bird1', 'birdc1', 'bird1-6', 'birdc1-6']);
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-interop-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  const bird = await startBird(HERE, flavour, folder, 'bird', configuration).catch((error: unknown) => {
    removeFolder();
    throw error;
  });
  context.after(async () => {
    await bird.stop('SIGKILL');
    removeFolder();
  });
  const ask = (command: string): Promise<string> =>
    bird.ask(command).catch((error: unknown) => String(error));
  return {
    ask,
    async askUntil(command, wanted) {
      let last = '';
      return await until(
        async () => {
          last = await ask(command);
          return wanted.test(last) ? last : undefined;
        },
        () => `${wanted} as the answer to ${command}: ${last}`,
        60_000,
      );
    },
  };
}
