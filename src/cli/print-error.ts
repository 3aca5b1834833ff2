/** How a failed command says so: what, where, what to do next, and the code to look up. No stack by default. */
import { CommanderError } from 'commander';
import { CalicoRrError, formatPlace, messageOf } from '../model/errors.ts';
import { CommandFailure } from './resources/failure.ts';

export interface PrintedError {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * @param withStack for a developer (`--log-level debug`)
 * @param suggestion what a wrong command line may have meant, where commander knows nothing
 * @param verb the words of the verb that was asked for, as far as there is one
 */
export function describeError(
  error: unknown,
  withStack: boolean,
  suggestion?: string,
  verb: readonly string[] = [],
): PrintedError {
  if (error instanceof CommanderError) return describeUsage(error, suggestion, verb);
  if (error instanceof CommandFailure) return { text: error.message, exitCode: error.exitCode };
  if (!(error instanceof CalicoRrError)) {
    const stack = withStack && error instanceof Error ? `\n${error.stack}` : '';
    return {
      text: `calico-rr: ${messageOf(error)} [E_INTERNAL]\n  This is a fault of calico-rr itself; please report it with the output of --log-level debug.${stack}`,
      exitCode: 1,
    };
  }
  const [first = '', ...rest] = error.message.split('\n');
  const lines = [`calico-rr: ${first} [${error.code}]`, ...rest];
  if (error.place !== undefined) lines.push(`  at ${formatPlace(error.place)}`);
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  if (withStack && error.stack !== undefined) lines.push(error.stack);
  return { text: lines.join('\n'), exitCode: error.exitCode };
}

/** Verbs of calicoctl that are about something else than BGP. */
const NOT_OURS = /^(ipam|datastore|cluster|convert|node (run|diags|checksystem))( |$)/;

/** What calicoctl says of a command line that it does not understand; the truth of one that only calicoctl does. */
export function usageOfCalicoctl(words: readonly string[]): string {
  const verb = NOT_OURS.exec(words.join(' '))?.[1];
  if (verb !== undefined)
    return `calicoctl ${verb} is not here: this calicoctl is calico-rr, which has what concerns BGP. Use Calico's own calicoctl for it.\n`;
  return `Invalid option: 'calicoctl ${words.join(' ')}'. Use flag '--help' to read about a specific subcommand.\n`;
}

function describeUsage(
  error: CommanderError,
  suggestion: string | undefined,
  verb: readonly string[],
): PrintedError {
  // Commander puts its suggestion on a line of its own, in parentheses.
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const lines = [`calico-rr: ${first} [E_USAGE]`];
  if (suggestion !== undefined) lines.push(`  ${suggestion}`);
  else if (rest.length === 0) lines.push(`  See ${['calico-rr', ...verb].join(' ')} --help.`);
  else
    for (const line of rest)
      if (line.trim() !== '') lines.push(`  ${line.trim().replace(/^\((.*)\)$/, '$1')}`);
  return { text: lines.join('\n'), exitCode: 2 };
}
