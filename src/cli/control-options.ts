/** Which running agent a verb asks: one of this machine, or one at an address. The same flags on every such verb. */
import type { Command } from 'commander';

export interface ControlFlags {
  readonly name?: string;
  readonly stateDir?: string;
  readonly address?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
}

export function addControlOptions(verb: Command): Command {
  return addRemoteOptions(
    verb
      .option('--name <NAME>', 'name or address that the instance was started with')
      .option('--state-dir <DIR>', 'state folder that the instance was started with'),
  );
}

export function addRemoteOptions(verb: Command): Command {
  return addTokenOptions(
    verb.option('--address <ADDRESS:PORT>', 'ask the agent at this address (its --control) instead'),
  );
}

export function addTokenOptions(verb: Command): Command {
  return verb
    .option('--token-file <FILE>', 'the token of agents elsewhere, mode 0600 (CALICO_RR_TOKEN_FILE)')
    .option('--ca-file <FILE>', 'authority of the certificates of agents elsewhere (CALICO_RR_CA_FILE)');
}
