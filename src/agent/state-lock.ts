/** One agent for each state folder. */
import { join } from 'node:path';
import { type ProcessLock, takeProcessLock } from '../engine/process-lock.ts';
import { CalicoRrError } from '../model/errors.ts';

/** @throws E_STATE_DIR where a living agent uses the folder */
export function lockStateDir(directory: string): Promise<ProcessLock> {
  return takeProcessLock(
    join(directory, 'agent.lock'),
    (pid) =>
      new CalicoRrError(
        'E_STATE_DIR',
        `another calico-rr (process ${pid}) runs with the state folder ${directory}`,
        { hint: 'Stop that one first, or give this one its own --name, address or --state-dir.' },
      ),
  );
}
