/** `calico-rr sessions [NAME]`: the sessions that speakers have to have, and why. Computed; touches nothing. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addDatastoreOrConfig, type DatastoreOrConfig } from './datastore-flags.ts';

export interface SessionsFlags extends DatastoreOrConfig {
  readonly file?: string;
  readonly output?: string;
  readonly calicoVersion?: string;
}

export function addSessions(program: Command): void {
  const verb = program
    .command('sessions')
    .description(
      'show the sessions that a reflector or node has to have, and why; without a name, everybody’s',
    )
    .argument('[NAME]', 'a RouteReflector or Node, or an address')
    .option('-f, --file <FILE|DIR>', 'read resources from files instead of the datastore')
    .option('-o, --output <FORMAT>', 'json: the whole configuration of the speaker, or a list of them')
    .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP)
    .action(async (name: string | undefined, flags: SessionsFlags) => {
      const { runSessions } = await import('./run-sessions.ts');
      const { problems, text } = await runSessions(name, flags);
      process.stderr.write(problems);
      // Of a large cluster it is much: no more is made than somebody takes.
      for (const part of text) if (!process.stdout.write(part)) await once(process.stdout, 'drain');
    });
  addDatastoreOrConfig(verb);
}
