/** `calico-rr status`: what a reflector or node does, in the shape of `calicoctl node status`, from wherever one asks. */
import type { Command } from 'commander';
import { addControlOptions } from './control-options.ts';
import { programName } from './program-name.ts';
import { addDatastoreOptions } from './resource-options.ts';
import type { StatusFlags } from './status/run-status.ts';

export function addStatus(program: Command): void {
  addStatusTo(program);
}

/** `status`, and `node status` with the same answer. */
export function addStatusTo(parent: Command): void {
  const verb = parent
    .command('status')
    .description(
      'show the sessions, held changes and problems of an instance: here, at --address, or by NAME',
    )
    .argument('[NAME]', 'a reflector or node: what runs here, else what it said in the datastore')
    .option('-w, --watch [SECONDS]', 'go on, and show it anew when it changes')
    .option('-o, --output <FORMAT>', 'json: everything');
  addDatastoreOptions(addControlOptions(verb)).action(
    async (name: string | undefined, flags: StatusFlags) => {
      const { runStatus } = await import('./status/run-status.ts');
      await runStatus(name, flags, programName());
    },
  );
}
