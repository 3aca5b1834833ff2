/** All verbs, under one of the two names that this program has. */
import { styleText } from 'node:util';
import { Command, CommanderError } from 'commander';
import { addAdmission } from './admission.ts';
import { addApply } from './apply.ts';
import { addApprove } from './approve.ts';
import { addBgp } from './bgp.ts';
import { addCheck } from './check.ts';
import { ASKED_BY_SHELL, addCompletion, answerShell } from './completion.ts';
import { addConfig } from './config.ts';
import { addCreate } from './create.ts';
import { addDelete } from './delete.ts';
import { addDiff } from './diff.ts';
import { addDrain } from './drain.ts';
import { addExamples } from './examples.ts';
import { addExplain } from './explain.ts';
import { addExport } from './export.ts';
import { addGet } from './get.ts';
import { addLabel } from './label.ts';
import { addNode } from './node.ts';
import { addPatch } from './patch.ts';
import { describeError, usageOfCalicoctl } from './print-error.ts';
import { programName } from './program-name.ts';
import { addRender } from './render.ts';
import { addReplace } from './replace.ts';
import { CommandFailure } from './resources/failure.ts';
import { addRr } from './rr.ts';
import { addRun } from './run.ts';
import { addSecretsRole } from './secrets-role.ts';
import { addSessions } from './sessions.ts';
import { addVersion } from './show-version.ts';
import { addStatus } from './status.ts';
import { addValidate } from './validate.ts';
import { programVersion } from './version.ts';

/** Every verb, below the heading that it has in the help. */
const VERBS: readonly (readonly [string, readonly ((program: Command) => void)[]])[] = [
  ['Resources', [addGet, addCreate, addApply, addReplace, addPatch, addDelete, addLabel]],
  ['Files of resources', [addValidate, addDiff, addExport]],
  ['Reflectors and nodes', [addRr, addNode, addBgp, addConfig]],
  ['A running reflector', [addRun, addStatus, addApprove, addDrain]],
  ['Ask before you change', [addSessions, addRender, addCheck, addExplain]],
  ['Set up', [addSecretsRole, addAdmission, addCompletion, addVersion]],
];

/** All verbs with their help, ready to read a command line. */
export function makeProgram(): Command {
  const command = new Command(programName())
    .description(
      "The route reflectors of a Calico cluster: reads Calico's datastore and keeps BGP in that state.",
    )
    .version(programVersion(), '-V, --version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show help for a verb')
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    // Commander shows styles only where the terminal does, and NO_COLOR is not set.
    .configureHelp({
      styleTitle: (title) => styleText('bold', title, { validateStream: false }),
      // What a verb takes is said by its own help; here it would leave no room for what it does.
      subcommandTerm: (verb) => verb.name(),
      minWidthToWrap: 20,
    })
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  if (programName() === 'calicoctl') addGlobalOptions(command);
  for (const [heading, verbs] of VERBS) {
    command.commandsGroup(`${heading}:`);
    for (const add of verbs) add(command);
  }
  addExamples(command);
  // Set on every verb as well: commander hands these settings down only to verbs added afterwards by `command()`.
  for (const verb of command.commands) inherit(verb, command);
  return command;
}

function inherit(verb: Command, from: Command): void {
  verb.copyInheritedSettings(from);
  for (const below of verb.commands) inherit(below, verb);
}

/** calicoctl takes these before the verb too; what is given there counts where the verb does not say it itself. */
function addGlobalOptions(command: Command): void {
  command
    .option('-l, --log-level <LEVEL>', 'accepted')
    .option('-c, --config <FILE>', "calicoctl's configuration file")
    .option('--context <NAME>', 'of the kubeconfig')
    .option('--allow-version-mismatch', 'accepted: versions are never compared')
    .hook('preAction', (_, verb) => {
      for (const [name, value] of Object.entries(command.opts()))
        if (verb.getOptionValue(name) === undefined) verb.setOptionValue(name, value);
    });
}

/** The words at the front of a command line that name a verb, and those below it. */
function verbIn(program: Command, words: readonly string[]): readonly string[] {
  const [first] = words;
  const verb = program.commands.find((one) => one.name() === first);
  return verb === undefined || first === undefined ? [] : [first, ...verbIn(verb, words.slice(1))];
}

/** Runs the verb that the command line names; sets the exit status. */
export async function runProgram(): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `| head` has seen enough: no fault of anybody's.
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`${programName()}: the output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  try {
    const [first, second, ...words] = process.argv.slice(2);
    if (first === ASKED_BY_SHELL && second === '--') await answerShell(makeProgram(), words);
    await makeProgram().parseAsync();
  } catch (error) {
    // Help and version are no failures.
    if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0;
    else if (error instanceof CommanderError && error.code === 'commander.help')
      process.exitCode = programName() === 'calicoctl' ? 1 : 2;
    else if (error instanceof CommanderError && programName() === 'calicoctl') {
      process.stderr.write(usageOfCalicoctl(process.argv.slice(2)));
      process.exitCode = 1;
    } else {
      const debug = /^--log-level(=debug|=trace)?$/;
      const at = process.argv.findIndex((word) => debug.test(word));
      const withStack = at >= 0 && /debug|trace/.test(`${process.argv[at]} ${process.argv[at + 1]}`);
      const suggestion =
        error instanceof CommanderError
          ? (await import('./suggest.ts')).suggestionFor(error, process.argv.slice(2))
          : undefined;
      const verb = verbIn(makeProgram(), process.argv.slice(2));
      const { text, exitCode } = describeError(error, withStack, suggestion, verb);
      process.stderr.write(`${text}\n`);
      // Of calicoctl every failure is 1, but for verbs that say by their status what they found.
      process.exitCode = programName() === 'calicoctl' && !(error instanceof CommandFailure) ? 1 : exitCode;
    }
  }
}
