/** `calico-rr admission`: the validating admission webhook, until it is told to stop. */
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addDatastoreFlags, type DatastoreChoice } from './datastore-flags.ts';

export interface AdmissionFlags extends DatastoreChoice {
  readonly listen: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly minReflectors?: string;
  readonly calicoVersion?: string;
  readonly logLevel?: string;
}

export function addAdmission(program: Command): void {
  const verb = program
    .command('admission')
    .description('serve a Kubernetes admission webhook that stops changes that would cut nodes off')
    .option('--listen <ADDRESS:PORT>', 'where the API server reaches it, by HTTPS', '0.0.0.0:8443')
    .requiredOption('--tls-cert <FILE>', 'its certificate, PEM; read again when it is replaced')
    .requiredOption('--tls-key <FILE>', 'the key of that')
    .option('--min-reflectors <NUMBER>', 'deny a change that leaves a node with fewer', '2')
    .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP)
    .option('--log-level <LEVEL>', 'trace, debug, info, warn or error', 'info')
    .action(async (flags: AdmissionFlags) => {
      const { runAdmission } = await import('./run-admission.ts');
      await runAdmission(process.env, flags);
    });
  addDatastoreFlags(verb);
}
