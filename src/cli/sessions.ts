/** `calico-rr sessions NAME`: the sessions that a speaker has to have, and why. Computed; touches nothing. */
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addDatastoreFlags, type DatastoreChoice } from './datastore-flags.ts';

interface Flags extends DatastoreChoice {
  readonly file?: string;
  readonly output?: string;
  readonly calicoVersion?: string;
}

export function addSessions(program: Command): void {
  const verb = program
    .command('sessions')
    .description('show the sessions that a reflector or node has to have, and why')
    .argument('<NAME>', 'a RouteReflector or Node, or an address')
    .option('-f, --file <FILE|DIR>', 'read resources from files instead of the datastore')
    .option('-o, --output <FORMAT>', 'json: the whole configuration of the speaker')
    .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP)
    .action(async (name: string, flags: Flags) => {
      const { checkOutput } = await import('./output.ts');
      const json = checkOutput(flags.output);
      const { findSpeaker } = await import('./speaker-source.ts');
      const { view, problems } = await findSpeaker(name, flags);
      const { problemsText, sessionsText } = await import('./session-text.ts');
      process.stderr.write(problemsText(problems));
      const config = view.config();
      process.stdout.write(
        json ? `${JSON.stringify(config, null, 2)}\n` : sessionsText(config, view.standing),
      );
    });
  addDatastoreFlags(verb);
}
