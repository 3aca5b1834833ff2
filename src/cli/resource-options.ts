/** Flags that the verbs on resources share. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { programName } from './program-name.ts';

/** Which datastore, in calicoctl's words. */
export function addDatastoreOptions(verb: Command): Command {
  if (programName() === 'calicoctl') verb.option('-l, --log-level <LEVEL>', 'accepted');
  return verb
    .option('-c, --config <FILE>', "calicoctl's configuration file (default: /etc/calico/calicoctl.cfg)")
    .option('--etcd-api <v2|v3>', 'which API of etcd holds the data')
    .option('--kubeconfig <PATH>', 'the cluster that holds the data (KUBECONFIG)')
    .option('--context <NAME>', 'another context of the kubeconfig than its current one')
    .option('--allow-version-mismatch', 'accepted: versions are never compared')
    .option('-n, --namespace <NAMESPACE>', 'of namespaced kinds; there are none here');
}

export function addFileOptions(verb: Command, what: string): Command {
  return verb
    .option('-f, --filename <FILE|DIR|->', `${what}; "-": standard input; can be given again`, collect)
    .option('-R, --recursive', 'folders within folders too');
}

/** calicoctl 1.x names peers by scope, node and address. */
export function addScopeOptions(verb: Command): Command {
  return verb
    .option('--scope <global|node>', 'peers of calicoctl 1.x: NAME is the address of one')
    .option('--node <NODE>', 'of scope node: the node that the peer is for');
}

/** Of the verbs that write the documents of files. */
export function addWriteOptions(verb: Command): Command {
  return addChangeOptions(verb.option('--skip-empty', 'no error where the files hold nothing'));
}

/** Of every verb that changes something. */
export function addChangeOptions(verb: Command): Command {
  return verb
    .option('--dry-run', 'tell which sessions and routes would change, and write nothing')
    .option('-y, --yes', 'do it though routes or reflectors are lost');
}

/** calicoctl takes -A and -a. */
export function addAllNamespaces(verb: Command): Command {
  return verb
    .option('-A, --all-namespaces', 'accepted: no kind here has namespaces')
    .addOption(new Option('-a').hideHelp());
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
