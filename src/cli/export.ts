/** `export`: the resources of a cluster as documents for another. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addDatastoreOptions } from './resource-options.ts';
import type { ExportFlags } from './resources/run-export.ts';

export function addExport(program: Command): void {
  const verb = program
    .command('export')
    .description('print resources as documents that apply -f - takes, without what belongs to this cluster')
    .argument('[KIND...]', 'kinds; without any, all that can be written')
    .option('-o, --output <FORMAT>', 'yaml (default) or json');
  addDatastoreOptions(verb).action(async (kinds: readonly string[], flags: ExportFlags) => {
    const { runExport } = await import('./resources/run-export.ts');
    await runExport(kinds, flags, programName());
  });
}
