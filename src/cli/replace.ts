/** `replace`: resources that exist, by what files say. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addDatastoreOptions, addFileOptions, addWriteOptions } from './resource-options.ts';
import type { WriteFlags } from './resources/run-write.ts';

export function addReplace(program: Command): void {
  const verb = program
    .command('replace')
    .description('replace resources that exist by the documents of files; what does not exist is an error');
  addFileOptions(verb, 'the documents');
  addWriteOptions(verb);
  addDatastoreOptions(verb).action(async (flags: WriteFlags) => {
    const { runWrite } = await import('./resources/run-write.ts');
    await runWrite('replace', flags, programName());
  });
}
