/**
 * The folder where one instance keeps what must outlive it: the approved state, what is held, the control
 * socket and the engine's files. Mode 0700: the engine's configuration may hold passwords.
 */
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CalicoRrError, messageOf } from '../model/errors.ts';

/** A UNIX socket's path is at most 107 bytes; the longest name that we or the engine put into the folder. */
const LONGEST_SOCKET_NAME = 'control.sock';
const SOCKET_PATH_BYTES = 107;

export interface StateDir {
  readonly path: string;
  /** Null, or what is lost because the folder that was asked for cannot be used; a sentence. */
  readonly lost: string | null;
}

/** The folder under which every instance has its own. */
export function stateRoot(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/calico-rr';
  const home = env.XDG_STATE_HOME;
  return join(home?.startsWith('/') ? home : join(homedir(), '.local/state'), 'calico-rr');
}

/** An instance's name or address as a folder's name. */
export function instanceFolder(instance: string): string {
  return instance.replaceAll(/[^A-Za-z0-9._:-]/g, '_').replace(/^\.+/, '_');
}

/** Where an instance's folder is, made or not. */
export function stateDirPath(env: NodeJS.ProcessEnv, instance: string, wanted: string | null): string {
  return wanted === null ? join(stateRoot(env), instanceFolder(instance)) : resolve(wanted);
}

/** Where an instance goes whose own folder cannot be written: a fixed place, so that it finds its BIRD again. */
export function fallbackDirPath(env: NodeJS.ProcessEnv, instance: string): string {
  const runtime = env.XDG_RUNTIME_DIR;
  const root = runtime?.startsWith('/') ? runtime : tmpdir();
  return join(root, `calico-rr-${process.getuid?.() ?? 0}-${instanceFolder(instance)}`);
}

/**
 * Makes the folder. One that cannot be written is replaced by one that a reboot may take away, and `lost` says so.
 * @throws E_STATE_DIR where not even that works, where the folder is somebody else's, or where its path is too long
 */
export function openStateDir(env: NodeJS.ProcessEnv, instance: string, wanted: string | null): StateDir {
  const path = stateDirPath(env, instance, wanted);
  try {
    makePrivate(path);
    return { path, lost: null };
  } catch (error) {
    if (error instanceof CalicoRrError) throw error;
    const fallback = fallbackDirPath(env, instance);
    try {
      makePrivate(fallback);
    } catch (second) {
      throw new CalicoRrError(
        'E_STATE_DIR',
        `neither ${path} (${messageOf(error)}) nor ${fallback} (${messageOf(second)}) can be used for state`,
        { hint: 'Give a folder that this user can write with --state-dir.', cause: second },
      );
    }
    return {
      path: fallback,
      lost: `${path} cannot be written (${messageOf(error)}): the approved state and held changes are kept in ${fallback}, which a reboot may empty`,
    };
  }
}

function makePrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const real = realpathSync(path);
  if (Buffer.byteLength(join(real, LONGEST_SOCKET_NAME)) > SOCKET_PATH_BYTES) {
    throw new CalicoRrError(
      'E_STATE_DIR',
      `the path of the state folder ${path} is too long for a UNIX socket in it`,
      {
        hint: `Give a shorter one with --state-dir, at most ${SOCKET_PATH_BYTES - LONGEST_SOCKET_NAME.length - 1} bytes.`,
      },
    );
  }
  const own = process.getuid?.();
  const stat = statSync(path);
  if (!stat.isDirectory()) throw new CalicoRrError('E_STATE_DIR', `${path} is no folder`);
  if (own !== undefined && (stat.uid !== own || lstatSync(path).uid !== own)) {
    throw new CalicoRrError(
      'E_STATE_DIR',
      `the state folder ${path} belongs to user ${stat.uid}, not to us`,
      {
        hint: 'It holds passwords: make it our own (chown) or give another with --state-dir.',
      },
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o700);
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
}
