/** `calico-rr status`: what the local instance does, in the shape of `calicoctl node status`. */
import type { Command } from 'commander';
import type { AgentStatus } from '../agent/status.ts';

interface Flags {
  readonly name?: string;
  readonly stateDir?: string;
  readonly output?: string;
}

export function addStatus(program: Command): void {
  addStatusTo(program);
}

/** `status`, and `node status` with the same answer. */
export function addStatusTo(parent: Command): void {
  parent
    .command('status')
    .description('show the sessions, held changes and problems of the instance that runs here')
    .option('--name <NAME>', 'name or address that the instance was started with')
    .option('--state-dir <DIR>', 'state folder that the instance was started with')
    .option('-o, --output <FORMAT>', 'json: everything')
    .action(async (flags: Flags) => {
      const { checkOutput } = await import('./output.ts');
      const json = checkOutput(flags.output);
      const { controlSocketOf } = await import('./instance.ts');
      const { askControl } = await import('../server/control-client.ts');
      const socket = controlSocketOf(process.env, flags);
      const status = await askControl({ socket, method: 'GET', path: '/status' });
      if (json) {
        process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
        return;
      }
      const { statusText } = await import('./status-text.ts');
      if (isStatus(status)) process.stdout.write(statusText(status));
    });
}

/** The agent that answers is this same program; a folder's socket is nobody else's. */
function isStatus(value: unknown): value is AgentStatus {
  return typeof value === 'object' && value !== null && 'sessions' in value && 'datastore' in value;
}
