/** The flags that say which datastore, the same on every verb that opens one. */
import type { Command } from 'commander';
import type { DatastoreFlags } from '../datastore/settings.ts';

export type DatastoreChoice = Pick<DatastoreFlags, 'etcdApi' | 'kubeconfig' | 'context'>;

export function addDatastoreFlags(verb: Command): Command {
  return verb
    .option('--etcd-api <v2|v3>', 'which API of etcd holds the data')
    .option('--kubeconfig <PATH>', 'the cluster that holds the data (KUBECONFIG)')
    .option(
      '--context <NAME>',
      'another context of the kubeconfig than its current one (K8S_CURRENT_CONTEXT)',
    );
}

/** With calicoctl's configuration file, as the verbs on resources take it; an agent goes by its environment alone. */
export type DatastoreOrConfig = DatastoreChoice & { readonly config?: string | undefined };

export function addDatastoreOrConfig(verb: Command): Command {
  return addDatastoreFlags(
    verb.option('-c, --config <FILE>', "calicoctl's configuration file (default: /etc/calico/calicoctl.cfg)"),
  );
}
