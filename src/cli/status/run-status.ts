/**
 * `status [NAME]`: asks the agent that runs here or at an address; for a NAME that runs elsewhere the agent itself where
 * it says how and we have a token, else what it last said in the datastore.
 */
import type { AgentStatus } from '../../agent/status.ts';
import type { Datastore } from '../../datastore/datastore.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { askControl, type ControlTarget } from '../../server/control-client.ts';
import type { ControlFlags } from '../control-options.ts';
import { controlTargetOf, remoteTarget } from '../control-target.ts';
import { localSocketOf } from '../instance.ts';
import { checkOutput } from '../output.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, failedToExecute } from '../resources/failure.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { readWhole } from '../run-settings.ts';
import { readCalicoNode } from './calico-node.ts';
import { calicoNodeText } from './calico-text.ts';
import { createReportReader, type Reported, reportedText } from './reported.ts';
import { statusText } from './text.ts';
import { watchAnswers } from './watch.ts';

export interface StatusFlags extends ControlFlags, DatastoreFlags {
  readonly output?: string;
  /** True: at the usual pace. */
  readonly watch?: string | true;
}

/** One look, ready for people and for programs. */
export interface Answer {
  readonly json: unknown;
  readonly text: string;
}

/** @throws E_USAGE, E_SETTING; what asking throws */
export async function runStatus(
  name: string | undefined,
  flags: StatusFlags,
  program: ProgramName,
): Promise<void> {
  const json = checkOutput(flags.output);
  const seconds =
    flags.watch === undefined || flags.watch === true ? 2 : readWhole('--watch', flags.watch, 2, [1, 86_400]);
  const source = await sourceOf(name, flags, program);
  try {
    if (flags.watch !== undefined) {
      await watchAnswers(source.look, { json, seconds });
      return;
    }
    const answer = await source.look();
    process.stdout.write(json ? `${JSON.stringify(answer.json, null, 2)}\n` : answer.text);
  } finally {
    await source.close();
  }
}

interface Source {
  look(): Promise<Answer>;
  close(): Promise<void>;
}

async function sourceOf(name: string | undefined, flags: StatusFlags, program: ProgramName): Promise<Source> {
  if (name === undefined || flags.address !== undefined)
    return { look: () => lookHere(flags, program), close: async () => undefined };
  if (flags.name !== undefined || flags.stateDir !== undefined)
    throw new CalicoRrError('E_USAGE', 'NAME and --name or --state-dir both say whose status.', {
      hint: 'Give one of them.',
    });
  const socket = localSocketOf(process.env, name);
  if (socket !== undefined)
    return { look: () => askAgent({ socket }, program), close: async () => undefined };
  try {
    return await ofDatastore(await openForVerb(flags, program), name, flags, program);
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

/** The agent here or at the address; where no agent is asked for by name and none runs here, Calico's own node. */
async function lookHere(flags: StatusFlags, program: ProgramName): Promise<Answer> {
  try {
    return await askAgent(controlTargetOf(process.env, flags), program);
  } catch (error) {
    const asked = flags.address ?? flags.name ?? flags.stateDir;
    if (asked !== undefined || !isUnreachable(error)) throw notRunning(error, program);
    const node = await readCalicoNode(process.env);
    // calicoctl goes by Felix alone.
    if (node === undefined || (program === 'calicoctl' && !node.felix)) throw notRunning(error, program);
    return { json: { calico: node }, text: calicoNodeText(node, program) };
  }
}

async function askAgent(at: ControlTarget, program: ProgramName): Promise<Answer> {
  let status: unknown;
  try {
    status = await askControl({ at, method: 'GET', path: '/status' });
  } catch (error) {
    throw 'socket' in at ? notRunning(error, program) : error;
  }
  return { json: status, text: isStatus(status) ? statusText(status) : '' };
}

function isUnreachable(error: unknown): boolean {
  const own = error instanceof CommandFailure ? error.cause : error;
  return own instanceof CalicoRrError && own.code === 'E_AGENT_UNREACHABLE';
}

function notRunning(error: unknown, program: ProgramName): unknown {
  if (program !== 'calicoctl' || !(error instanceof CalicoRrError)) return error;
  return error.code === 'E_AGENT_UNREACHABLE'
    ? new CommandFailure('Calico process is not running.', 1, error)
    : error;
}

async function ofDatastore(
  datastore: Datastore,
  name: string,
  flags: StatusFlags,
  program: ProgramName,
): Promise<Source> {
  const reader = createReportReader(datastore);
  let told = '';
  /** The agent itself, where it can be asked. */
  async function askItself(reported: Reported): Promise<Answer | undefined> {
    const token = flags.tokenFile ?? process.env.CALICO_RR_TOKEN_FILE;
    if (reported.control === null || !token) return undefined;
    try {
      const target = remoteTarget(process.env, reported.control, flags);
      return await askAgent(target, program);
    } catch (error) {
      if (!(error instanceof CalicoRrError)) throw error;
      const note = `${error.message}; what follows is what it last said in the datastore\n`;
      if (note !== told) process.stderr.write(note);
      told = note;
      return undefined;
    }
  }
  return {
    async look() {
      try {
        const reported = await reader.read(name);
        const itself = await askItself(reported);
        return itself ?? { json: reported, text: reportedText(reported) };
      } catch (error) {
        throw failedToExecute(error, program);
      }
    },
    close: () => datastore.close(),
  };
}

/** The agent that answers is this same program; who else answers at an address is shown as JSON alone. */
function isStatus(value: unknown): value is AgentStatus {
  return typeof value === 'object' && value !== null && 'sessions' in value && 'datastore' in value;
}
