/**
 * Whose daemon answers on a socket. A configuration that we wrote names its instance in a constant, which the
 * running daemon is asked for; so the answer is about what runs and not about what lies on the disk.
 */
import { access, constants, copyFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Logger } from 'pino';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import { readIfThere } from '../read-if-there.ts';
import { digestIn, lineDifference } from './config-file.ts';
import type { ControlSocket } from './control-socket.ts';
import { DIGEST_CONSTANT, INSTANCE_CONSTANT } from './render.ts';

/** The value of a string constant of the running configuration, or undefined where it has none. */
async function constant(control: ControlSocket, name: string): Promise<string | undefined> {
  const reply = await control.request(`eval ${name}`);
  return reply.code === 23 ? reply.text.replace(/^"|"$/g, '') : undefined;
}

/** Name of the instance whose configuration runs, or undefined where it is none of ours. */
export function runningInstance(control: ControlSocket): Promise<string | undefined> {
  return constant(control, INSTANCE_CONSTANT);
}

/** Digest of the configuration of ours that runs, or undefined where it is none of ours. */
export function runningDigest(control: ControlSocket): Promise<string | undefined> {
  return constant(control, DIGEST_CONSTANT);
}

/** The file's text where it is what the daemon runs; undefined where that cannot be said. */
export async function runningText(control: ControlSocket, configPath: string): Promise<string | undefined> {
  const text = await readIfThere(configPath);
  if (text === undefined) return undefined;
  const digest = digestIn(text);
  return digest !== undefined && (await runningDigest(control)) === digest ? text : undefined;
}

/**
 * Where a daemon that others started reads its configuration; it says so itself.
 * @throws E_SETTING where it says a path that only makes sense from its own working directory
 */
export async function configPathOf(control: ControlSocket): Promise<string> {
  const reply = await control.request('configure check');
  const path = /^Reading configuration from (.*)$/.exec(reply.lines[0]?.text ?? '')?.[1];
  if (path === undefined || !isAbsolute(path)) {
    throw new CalicoRrError(
      'E_SETTING',
      `the BIRD to attach to reads "${path ?? '?'}", a path of its own folder`,
      {
        hint: 'Start it with an absolute -c PATH, or name the file in the engine options (configPath).',
      },
    );
  }
  return path;
}

export function foreignError(socket: string, instance: string | undefined): CalicoRrError {
  const whose =
    instance === undefined ? 'was not configured by calico-rr' : `belongs to the instance ${instance}`;
  return new CalicoRrError('E_ENGINE_FOREIGN', `the BIRD that answers on ${socket} ${whose}`, {
    hint: '--adopt takes it over: its file is saved beside it and the difference is logged. Or name another --state-dir.',
  });
}

/**
 * Saves the file of an adopted daemon beside it and logs what our text changes in it, passwords masked.
 * @throws E_STATE_DIR where it cannot be saved: nothing is overwritten then
 */
export async function saveForeign(configPath: string, ours: string, log: Logger): Promise<void> {
  const theirs = await readIfThere(configPath);
  if (theirs === undefined) return;
  const saved = await freeName(`${configPath}.before-calico-rr`);
  try {
    await copyFile(configPath, saved, constants.COPYFILE_EXCL);
  } catch (error) {
    throw new CalicoRrError('E_STATE_DIR', `cannot save ${configPath} as ${saved}: ${messageOf(error)}`, {
      hint: 'Make room or give us the right to write there; the daemon was left as it is.',
      cause: error,
    });
  }
  log.warn(
    { saved, difference: lineDifference(theirs, ours) },
    `adopted the BIRD that reads ${configPath}; its old file is ${saved}`,
  );
}

async function freeName(path: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? path : `${path}.${count}`;
    const taken = await access(name).then(
      () => true,
      () => false,
    );
    if (!taken) return name;
  }
}
