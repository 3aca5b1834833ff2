/** Which running instance a local verb means, and its control socket. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fallbackDirPath, stateDirPath, stateRoot } from '../agent/state-dir.ts';
import { parseAddress } from '../model/address.ts';
import { CalicoRrError } from '../model/errors.ts';

export const CONTROL_SOCKET = 'control.sock';

export interface InstanceFlags {
  readonly name?: string;
  readonly stateDir?: string;
}

/**
 * The socket of the instance that the flags, or the environment of the original image, name; with none named,
 * the only one that there is.
 * @throws E_USAGE where there are several, E_AGENT_UNREACHABLE where there is none
 */
export function controlSocketOf(env: NodeJS.ProcessEnv, flags: InstanceFlags): string {
  if (flags.stateDir !== undefined) return join(stateDirPath(env, '', flags.stateDir), CONTROL_SOCKET);
  const named = flags.name ?? nonEmpty(env.NODENAME) ?? canonical(env.IP) ?? canonical(env.IP6);
  if (named !== undefined) {
    const usual = join(stateDirPath(env, named, null), CONTROL_SOCKET);
    const fallback = join(fallbackDirPath(env, named), CONTROL_SOCKET);
    return !existsSync(usual) && existsSync(fallback) ? fallback : usual;
  }
  const root = stateRoot(env);
  const found = instancesUnder(root);
  if (found.length > 1) {
    throw new CalicoRrError('E_USAGE', `several instances run here: ${found.join(', ')}`, {
      hint: 'Say which with --name NAME.',
    });
  }
  const [only] = found;
  if (only !== undefined) return join(root, only, CONTROL_SOCKET);
  throw new CalicoRrError('E_AGENT_UNREACHABLE', `no calico-rr runs here: there is none under ${root}`, {
    hint: 'Start one with calico-rr run, name its folder with --state-dir as it was started, or ask one elsewhere: calico-rr status NAME, or --address.',
  });
}

/** The socket of the instance of this name or address, or undefined where none of it is on this machine. */
export function localSocketOf(env: NodeJS.ProcessEnv, nameOrAddress: string): string | undefined {
  const instance = canonical(nameOrAddress) ?? nameOrAddress;
  return [stateDirPath(env, instance, null), fallbackDirPath(env, instance)]
    .map((folder) => join(folder, CONTROL_SOCKET))
    .find((socket) => existsSync(socket));
}

function nonEmpty(text: string | undefined): string | undefined {
  const name = text?.trim();
  return name === '' ? undefined : name;
}

function canonical(text: string | undefined): string | undefined {
  return text === undefined ? undefined : parseAddress(text.trim());
}

function instancesUnder(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => existsSync(join(root, name, CONTROL_SOCKET)));
  } catch {
    // No such folder: no instance has ever run here with its default place.
    return [];
  }
}
