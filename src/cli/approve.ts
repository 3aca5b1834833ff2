/** `calico-rr approve ID`: lets a held change through. */
import type { Command } from 'commander';
import type { Approval } from '../agent/agent.ts';

interface Flags {
  readonly name?: string;
  readonly stateDir?: string;
}

export function addApprove(program: Command): void {
  program
    .command('approve')
    .description('let a held change through, by the ID that status and the log show')
    .argument('<ID...>', 'IDs of held changes')
    .option('--name <NAME>', 'name or address that the instance was started with')
    .option('--state-dir <DIR>', 'state folder that the instance was started with')
    .action(async (ids: readonly string[], flags: Flags) => {
      const { controlSocketOf } = await import('./instance.ts');
      const { askControl } = await import('../server/control-client.ts');
      const socket = controlSocketOf(process.env, flags);
      for (const id of ids) {
        const answer = await askControl({ socket, method: 'POST', path: '/approve', body: { id } });
        const late = isApproval(answer) ? answer.notAppliedYet : null;
        process.stdout.write(
          late === null ? `approved and applied: ${id}\n` : `approved: ${id}; not applied yet: ${late}\n`,
        );
      }
    });
}

function isApproval(value: unknown): value is Approval {
  return typeof value === 'object' && value !== null && 'notAppliedYet' in value;
}
