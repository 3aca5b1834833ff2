/** `calico-rr render NAME`: the BIRD configuration of a speaker. Computed; touches nothing. */
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addDatastoreOrConfig, type DatastoreOrConfig } from './datastore-flags.ts';

interface Flags extends DatastoreOrConfig {
  readonly file?: string;
  readonly showSecrets?: boolean;
  readonly secretsFile?: string;
  readonly secretsNamespace?: string;
  readonly acceptPrefixes?: string;
  readonly maxPrefixes?: string;
  readonly llgrSeconds?: string;
  readonly addPaths?: string;
  readonly kernel: boolean;
  readonly dialect?: string;
  readonly family?: string;
  readonly calicoVersion?: string;
}

export function addRender(program: Command): void {
  const verb = program
    .command('render')
    .description('print the BIRD configuration of a reflector or node')
    .argument('<NAME>', 'a RouteReflector or Node, or an address')
    .option('-f, --file <FILE|DIR>', 'read resources from files instead of the datastore')
    .option('--show-secrets', 'print passwords instead of ********')
    .option('--secrets-file <PATH>', 'where passwords are read from (CALICO_RR_SECRETS_FILE)')
    .option('--secrets-namespace <NAME>', 'where on Kubernetes the Secrets with session passwords are')
    .option('--accept-prefixes <any|pools>', 'what a reflector takes from its peers')
    .option('--max-prefixes <NUMBER>', 'routes taken from one client at most')
    .option('--llgr-seconds <SECONDS>', 'long-lived stale time that is announced; 0: off')
    .option(
      '--add-paths <off|receive|all>',
      'several paths to one prefix: not at all, taken, or told as well',
    )
    .option(
      '--dialect <bird2|bird1|calico-bird>',
      "which BIRD it is for; calico-bird is Calico's own",
      'bird2',
    )
    .option('--family <4|6>', 'BIRD 1: the file of this family alone, to be piped into its daemon')
    .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP)
    .option('--no-kernel', "role node: do not program the kernel's routes")
    .action(async (name: string, flags: Flags) => {
      const { renderSpeaker } = await import('./render-speaker.ts');
      const { text, problems } = await renderSpeaker(name, flags);
      const { problemsText } = await import('./session-text.ts');
      process.stderr.write(problemsText(problems));
      process.stdout.write(text);
    });
  addDatastoreOrConfig(verb);
}
