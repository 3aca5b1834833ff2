/** `version`: calicoctl's verb. Of a cluster it says nothing: calico-rr works with every version of Calico. */
import type { Command } from 'commander';
import { addDatastoreOptions } from './resource-options.ts';
import { programVersion } from './version.ts';

export function addVersion(program: Command): void {
  const verb = program
    .command('version')
    .description('print the version of this program')
    .option('--client', 'accepted: it is the only version that is printed');
  addDatastoreOptions(verb).action(() => {
    process.stdout.write(`Client Version:    v${programVersion()}\n`);
  });
}
