/** `calico-rr approve ID`: lets a held change through. */
import type { Command } from 'commander';
import type { Approval } from '../agent/agent.ts';
import { addControlOptions, type ControlFlags } from './control-options.ts';

export function addApprove(program: Command): void {
  addControlOptions(
    program
      .command('approve')
      .description('let a held change through, by the ID that status and the log show')
      .argument('<ID...>', 'IDs of held changes'),
  ).action(async (ids: readonly string[], flags: ControlFlags) => {
    const { controlTargetOf } = await import('./control-target.ts');
    const { askControl } = await import('../server/control-client.ts');
    const at = controlTargetOf(process.env, flags);
    for (const id of ids) {
      const answer = await askControl({ at, method: 'POST', path: '/approve', body: { id } });
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
