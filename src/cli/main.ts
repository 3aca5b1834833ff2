/** The command `calico-rr`: words in, one verb called, its failure told. Verbs load what they need when called. */
import { Command, CommanderError } from 'commander';
import { addApprove } from './approve.ts';
import { addDrain } from './drain.ts';
import { describeError } from './print-error.ts';
import { addRender } from './render.ts';
import { addRun } from './run.ts';
import { addSecretsRole } from './secrets-role.ts';
import { addSessions } from './sessions.ts';
import { addStatus } from './status.ts';
import { programVersion } from './version.ts';

function program(): Command {
  const command = new Command('calico-rr')
    .description(
      "The route reflectors of a Calico cluster: reads Calico's datastore and keeps BGP in that state.",
    )
    .version(programVersion(), '-V, --version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show help for a verb')
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  for (const add of [addRun, addSessions, addRender, addStatus, addApprove, addDrain, addSecretsRole])
    add(command);
  // Set on every verb as well: commander hands these settings down only to verbs added afterwards by `command()`.
  for (const verb of command.commands) verb.copyInheritedSettings(command);
  return command;
}

try {
  await program().parseAsync();
} catch (error) {
  // Help and version are no failures.
  if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0;
  else if (error instanceof CommanderError && error.code === 'commander.help') process.exitCode = 2;
  else {
    const debug = /^--log-level(=debug|=trace)?$/;
    const at = process.argv.findIndex((word) => debug.test(word));
    const withStack = at >= 0 && /debug|trace/.test(`${process.argv[at]} ${process.argv[at + 1]}`);
    const { text, exitCode } = describeError(error, withStack);
    process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  }
}
