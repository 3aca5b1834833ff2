/** `calico-rr drain`: takes a running reflector out of service without a client losing a route. */
import type { Command } from 'commander';
import { addControlOptions, type ControlFlags } from './control-options.ts';
import type { DrainFlags } from './run-drain.ts';

export function addDrain(program: Command): void {
  addControlOptions(
    addDrainOptions(
      program
        .command('drain')
        .description(
          'take the instance that runs here out of service: peers first take other paths, then sessions close',
        ),
    ),
  ).action(async (flags: DrainFlags & ControlFlags) => {
    const { controlTargetOf } = await import('./control-target.ts');
    const { drainAt, readDrainOrder } = await import('./run-drain.ts');
    const order = readDrainOrder(flags);
    await drainAt(controlTargetOf(process.env, flags), order);
  });
}

export function addDrainOptions(verb: Command): Command {
  return verb
    .option('--timeout <SECONDS>', 'how long clients may take to have another established reflector', '60')
    .option('--force', 'close even where clients are left without a reflector')
    .option('--message <TEXT>', 'told to the peers (RFC 9003)', 'drained by calico-rr');
}
