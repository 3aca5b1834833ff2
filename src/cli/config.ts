/** `config`: the settings of calicoctl 1.x by their old names. */
import type { Command } from 'commander';
import type { ConfigFlags } from './older/run-config.ts';
import { programName } from './program-name.ts';
import { addChangeOptions, addDatastoreOptions } from './resource-options.ts';

export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .description('set, get or unset nodeToNodeMesh, asNumber and logLevel, as calicoctl 1.x did');
  const shared = (verb: Command): Command =>
    addDatastoreOptions(
      verb
        .argument('<NAME>', 'nodeToNodeMesh, asNumber or logLevel')
        .option('--node <NODE>', 'of one node instead of all (logLevel)')
        .option('--raw <bgp>', 'NAME and value are those of the key in etcd v2'),
    );
  const set = addChangeOptions(shared(config.command('set').description('set a value')));
  set
    .argument('<VALUE>', 'on, off, a number, a level')
    .action(async (name: string, value: string, flags: ConfigFlags) => {
      const { runConfig } = await import('./older/run-config.ts');
      await runConfig(name, { do: 'set', value }, flags, programName());
    });
  for (const action of ['get', 'unset'] as const) {
    const what = action === 'get' ? 'print a value' : 'go back to the standard value';
    const verb = shared(config.command(action).description(what));
    if (action === 'unset') addChangeOptions(verb);
    verb.action(async (name: string, flags: ConfigFlags) => {
      const { runConfig } = await import('./older/run-config.ts');
      await runConfig(name, { do: action }, flags, programName());
    });
  }
}
