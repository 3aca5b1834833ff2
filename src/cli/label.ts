/** `label`: sets or removes labels. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addChangeOptions, addDatastoreOptions } from './resource-options.ts';
import type { LabelFlags } from './resources/run-label.ts';

export function addLabel(program: Command): void {
  const verb = program
    .command('label')
    .description('set or remove labels of one resource')
    .argument(
      '<KIND>',
      'node, bgppeer, bgpconfiguration, bgpfilter, ippool, caliconodestatus, routereflector',
    )
    .argument('<NAME>', 'the resource')
    .argument('<KEY=VALUE...>', 'the labels; with --remove, their keys')
    .option('--overwrite', 'change a label that is set already')
    .option('--remove', 'remove the label');
  addChangeOptions(verb);
  addDatastoreOptions(verb).action(
    async (kind: string, name: string, labels: readonly string[], flags: LabelFlags) => {
      const { runLabel } = await import('./resources/run-label.ts');
      await runLabel(kind, name, labels, flags, programName());
    },
  );
}
