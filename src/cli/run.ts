/** `calico-rr run`: one route reflector, until it is told to stop. */
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addDatastoreFlags } from './datastore-flags.ts';
import type { RunFlags } from './run-settings.ts';

export function addRun(program: Command): void {
  const run = program
    .command('run')
    .description(
      'run one route reflector (or node), configured by IP, IP6, DATASTORE_TYPE and ETCD_* as the original image',
    )
    .option('--name <NAME>', 'name of this speaker, its addresses and its role are in its entry (NODENAME)')
    .option('--listen <ADDRESS:PORT>', 'address and port of this speaker; once for each family', collect)
    .option(
      '--engine <bird|native>',
      'what speaks BGP (default: native, our own, for a reflector; bird for a node, and where a flag names a BIRD)',
    )
    .option('--state-dir <DIR>', 'where the approved state is kept')
    .option('--http <ADDRESS:PORT>', 'serve /healthz, /readyz and /status')
    .option(
      '--control <ADDRESS:PORT>',
      'answer status, approve and drain of calico-rr --address, with a token',
    )
    .option('--control-token-file <FILE>', 'that token, mode 0600 (CALICO_RR_CONTROL_TOKEN_FILE)')
    .option('--control-cert <FILE>', 'certificate for --control; only loopback addresses go without')
    .option('--control-key <FILE>', 'its private key')
    .option('--secrets-file <PATH>', 'map of names to session passwords, mode 0600 (CALICO_RR_SECRETS_FILE)')
    .option('--secrets-namespace <NAME>', 'where on Kubernetes the Secrets with session passwords are')
    .option(
      '--accept-prefixes <any|pools>',
      'pools: take only what lies in IP pools, service ranges and listed prefixes',
      'any',
    )
    .option('--max-prefixes <NUMBER>', 'routes taken from one client at most; the excess is refused', '10000')
    .option(
      '--over-limit <refuse|SECONDS>',
      'refuse what is beyond the limit, or close the session for so many seconds',
      'refuse',
    )
    .option(
      '--origin-guard <off|log|enforce>',
      "tell of routes that a node announces and IPAM knows to be another's, or refuse them",
      'off',
    )
    .option(
      '--add-paths <off|receive|all|NUMBER>',
      'take several paths to one prefix (RFC 7911); also tell all, or so many, to peers that take them',
      'receive',
    )
    .option('--min-reflectors <NUMBER>', 'hold a change that leaves a node with fewer', '2')
    .option('--max-session-loss <PERCENT>', 'hold a change that takes more sessions within 10 minutes', '25')
    .option(
      '--llgr-seconds <SECONDS>',
      'how long clients keep our routes when all reflectors die; 0: off',
      '3600',
    )
    .option('--bird <PATH>', 'run this BIRD 2 (CALICO_RR_BIRD says where it is, and does not ask for it)')
    .option(
      '--bird-socket <PATH>',
      'use the BIRD that answers here, which others started, instead of one of our own',
    )
    .option('--adopt', 'take over a BIRD that calico-rr did not configure; its old file is saved beside it')
    .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP)
    .option('--no-kernel', "role node: do not program the kernel's routes")
    .option('--log-level <LEVEL>', 'trace, debug, info, warn or error', 'info')
    .action(async (flags: RunFlags) => {
      const { runAgent } = await import('./run-agent.ts');
      await runAgent(process.env, flags);
    });
  addDatastoreFlags(run);
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
