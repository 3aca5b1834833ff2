/** `patch`: a part of one resource. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addChangeOptions, addDatastoreOptions } from './resource-options.ts';
import type { PatchFlags } from './resources/run-patch.ts';

export function addPatch(program: Command): void {
  const verb = program
    .command('patch')
    .description('change a part of one resource')
    .argument(
      '<KIND>',
      'node, bgppeer, bgpconfiguration, bgpfilter, ippool, caliconodestatus, routereflector',
    )
    .argument('<NAME>', 'the resource')
    .requiredOption('-p, --patch <PATCH>', 'JSON, or YAML')
    .option('-t, --type <TYPE>', 'strategic (default), merge or json');
  addChangeOptions(verb);
  addDatastoreOptions(verb).action(async (kind: string, name: string, flags: PatchFlags) => {
    const { runPatch } = await import('./resources/run-patch.ts');
    await runPatch(kind, name, flags, programName());
  });
}
