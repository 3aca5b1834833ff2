/** Draining the agent at a place, with its progress on standard error. */
import { askControl, type ControlTarget } from '../server/control-client.ts';
import type { DrainOrder } from '../server/control-server.ts';
import { readWhole } from './run-settings.ts';

export interface DrainFlags {
  readonly timeout: string;
  readonly force?: boolean;
  readonly message: string;
}

/** @throws E_SETTING */
export function readDrainOrder({ timeout, force, message }: DrainFlags): DrainOrder {
  return { timeoutSeconds: readWhole('--timeout', timeout, 60, [0, 86_400]), force: force === true, message };
}

/** @throws E_DRAIN_UNSAFE, E_CONFLICT; what asking the agent throws */
export async function drainAt(at: ControlTarget, order: DrainOrder): Promise<void> {
  await askControl({
    at,
    method: 'POST',
    path: '/drain',
    body: order,
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  process.stdout.write(
    'drained: every session is closed; a restart brings this reflector back into service\n',
  );
}
