/** `calico-rr secrets-role`: the RBAC that lets reflectors read their passwords, and no other Secret. */
import type { Command } from 'commander';
import { addDatastoreFlags, type DatastoreChoice } from './datastore-flags.ts';

interface Flags extends DatastoreChoice {
  readonly file?: string;
  readonly secretsNamespace?: string;
  readonly serviceAccount: string;
}

export function addSecretsRole(program: Command): void {
  const verb = program
    .command('secrets-role')
    .description(
      'print the Role and RoleBinding that let reflectors read the Secrets that BGP resources name',
    )
    .option('-f, --file <FILE|DIR>', 'read resources from files instead of the datastore')
    .option(
      '--secrets-namespace <NAME>',
      'where the Secrets are; that of the service account unless it is said',
    )
    .option('--service-account <NAMESPACE:NAME>', 'who may read them', 'calico-system:calico-rr')
    .action(async (flags: Flags) => {
      const { secretsRole } = await import('./secrets-role-manifest.ts');
      const { text, note } = await secretsRole(flags);
      if (note !== null) process.stderr.write(`${note}\n`);
      process.stdout.write(text);
    });
  addDatastoreFlags(verb);
}
