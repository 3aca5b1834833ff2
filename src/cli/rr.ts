/** `rr`: the reflectors of the cluster: add, list, drain, rename their cluster, remove. */
import type { Command } from 'commander';
import { addRemoteOptions, addTokenOptions } from './control-options.ts';
import { addDrainOptions } from './drain.ts';
import { programName } from './program-name.ts';
import type { AddFlags } from './reflectors/run-add.ts';
import type { ListFlags } from './reflectors/run-list.ts';
import type { RemoveFlags } from './reflectors/run-remove.ts';
import type { RenameFlags } from './reflectors/run-rename-cluster.ts';
import type { RrDrainFlags } from './reflectors/run-rr-drain.ts';
import { addChangeOptions, addDatastoreOptions } from './resource-options.ts';

export function addRr(program: Command): void {
  const rr = program.command('rr').description('the reflectors of the cluster, on every datastore');
  const add = rr
    .command('add')
    .description("add a reflector's entry, and on request the peers by which nodes reach it")
    .argument('<ADDRESS...>', 'its address, or one of each family')
    .option('--name <NAME>', 'its name (default: its address)')
    .option(
      '--cluster-id <ID>',
      'cluster ID in the form of an IPv4 address; one for the reflectors of a rack',
    )
    .option('--group <GROUP>', 'reflectors of one group mesh with each other (default: default)')
    .option('--as-number <N>', 'its own AS (default: that of BGPConfiguration default, else 64512)')
    .option('--label <KEY=VALUE>', 'a label; can be given again', collect)
    .option('--peer <ADDRESS>', 'a router outside Calico that it peers with; can be given again', collect)
    .option('--as <N>', 'AS of the --peer', collect)
    .option('--clients <SELECTOR|all>', 'also write the BGPPeers that make these nodes its clients')
    .option('--client <NODE>', 'the same for one node; can be given again', collect);
  addDatastoreOptions(addChangeOptions(add)).action(async (addresses: readonly string[], flags: AddFlags) => {
    const { runReflectorAdd } = await import('./reflectors/run-add.ts');
    await runReflectorAdd(addresses, flags, programName());
  });
  addDatastoreOptions(
    rr
      .command('list')
      .description('show all reflectors, nodes with a cluster ID among them')
      .option('-o, --output <FORMAT>', 'json: everything'),
  ).action(async (flags: ListFlags) => {
    const { runReflectorList } = await import('./reflectors/run-list.ts');
    await runReflectorList(flags, programName());
  });
  addDatastoreOptions(
    addRemoteOptions(
      addDrainOptions(
        rr
          .command('drain')
          .description('take a reflector out of service, wherever it runs, when its clients have others')
          .argument('<NAME>', 'its name, or one of its addresses'),
      ),
    ),
  ).action(async (name: string, flags: RrDrainFlags) => {
    const { runReflectorDrain } = await import('./reflectors/run-rr-drain.ts');
    await runReflectorDrain(name, flags, programName());
  });
  addDatastoreOptions(
    addTokenOptions(
      rr
        .command('rename-cluster')
        .description('give the reflectors of a cluster ID another one, one after the other')
        .argument('<OLD>', 'the cluster ID that they have')
        .argument('<NEW>', 'the one that they get')
        .option(
          '--timeout <SECONDS>',
          'for each: until its clients have another reflector, and are back (default: 300)',
        )
        .option('--pause <SECONDS>', 'wait so long after each that cannot be asked, as reflectors of others')
        .option('--dry-run', 'only say which reflectors it would be, and what would be lost')
        .option('--force', 'do it whatever is lost'),
    ),
  ).action(async (from: string, to: string, flags: RenameFlags) => {
    const { runRenameCluster } = await import('./reflectors/run-rename-cluster.ts');
    await runRenameCluster(from, to, flags, programName());
  });
  addDatastoreOptions(
    rr
      .command('remove')
      .description('remove a reflector and the BGPPeers that name it, unless nodes would lose by it')
      .argument('<NAME>', 'its name, or one of its addresses')
      .option('--min-reflectors <N>', 'reflectors that every node keeps at least (default: 2)')
      .option('--dry-run', 'only say what would go and what would be lost')
      .option('--force', 'remove it whatever is lost'),
  ).action(async (name: string, flags: RemoveFlags) => {
    const { runReflectorRemove } = await import('./reflectors/run-remove.ts');
    await runReflectorRemove(name, flags, programName());
  });
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
