/**
 * What the BIRD engine may be told, and what it takes where it is told nothing. `RenderOptions` decides the
 * text of the configuration; the rest of `BirdEngineOptions` decides how the daemon is run.
 */
import type { Logger } from 'pino';
import { type AddPaths, DEFAULT_ADD_PATHS } from '../add-paths.ts';
import type { OriginTables } from './origin-tables.ts';

/**
 * `avoid`: every route goes out with LOCAL_PREF 0 and GRACEFUL_SHUTDOWN (RFC 8326).
 * `stopped`: the sessions are there and disabled; that is what is left after a drain.
 */
export type DrainStage = 'off' | 'avoid' | 'stopped';

/**
 * Whose language is written. `bird2`: BIRD 2 and 3, both families in one file. `bird1`: BIRD 1.6, a daemon and a file
 * for each family. `calico-bird`: Calico's fork of 1.6, which also knows tunnel routes (`krt_tunnel`).
 */
export type Dialect = 'bird2' | 'bird1' | 'calico-bird';

export interface RenderOptions {
  /** Name of this instance; stands in the file's marker, so that two instances never take each other's daemon. */
  readonly instance: string;
  /** `pools`: a reflector takes only IP pools, service ranges and listed prefixes. Default `any`. */
  readonly acceptPrefixes?: 'any' | 'pools';
  /** Routes taken from one client at most; the excess is refused, the session stays. Default 10000. */
  readonly maxPrefixes?: number;
  /** Long-lived stale time that a reflector announces (RFC 9494), seconds; 0 turns it off. Default 3600. */
  readonly llgrSeconds?: number;
  /** Several paths to one prefix (RFC 7911); BIRD tells all or one. Default `receive`. */
  readonly addPaths?: Exclude<AddPaths, number>;
  /** Role node: program the kernel's routes (needs NET_ADMIN). Default true; false in the demo. */
  readonly kernel?: boolean;
  readonly drain?: DrainStage;
  /** `file`: bird.log in the daemon's working directory, rotated at 8 MiB. Default `stderr`. */
  readonly logTo?: 'stderr' | 'file' | 'syslog';
  /** Default `bird2`, the only one that the engine runs. */
  readonly dialect?: Dialect;
  /** What nodes may announce; null, the default, where that is not judged. The dialects for BIRD 1 leave it out. */
  readonly origins?: OriginTables | null;
}

export interface BirdEngineOptions extends Omit<RenderOptions, 'drain' | 'logTo' | 'dialect' | 'origins'> {
  /** The BIRD 2 (or 3) daemon: a path, or a name that PATH finds. */
  readonly binary: string;
  /** A folder of our own, mode 0700: bird.conf, bird.ctl, bird.pid, bird.log, engine.lock. Made if absent. */
  readonly stateDir: string;
  /** Control socket of a daemon that others started; such a daemon is never started or stopped by us. */
  readonly socketPath?: string;
  /** Configuration file of that daemon. Default: the one that it names itself. */
  readonly configPath?: string;
  /** Take over a daemon that does not carry our marker: its file is saved beside it, and it is never stopped. */
  readonly adopt?: boolean;
  readonly log: Logger;
}

export type ResolvedRenderOptions = Required<RenderOptions>;

export const DEFAULT_MAX_PREFIXES = 10_000;
export const DEFAULT_LLGR_SECONDS = 3600;

export function resolveRenderOptions(options: RenderOptions): ResolvedRenderOptions {
  return {
    instance: options.instance,
    acceptPrefixes: options.acceptPrefixes ?? 'any',
    maxPrefixes: options.maxPrefixes ?? DEFAULT_MAX_PREFIXES,
    llgrSeconds: options.llgrSeconds ?? DEFAULT_LLGR_SECONDS,
    addPaths: options.addPaths ?? DEFAULT_ADD_PATHS,
    kernel: options.kernel ?? true,
    drain: options.drain ?? 'off',
    logTo: options.logTo ?? 'stderr',
    dialect: options.dialect ?? 'bird2',
    origins: (options.dialect ?? 'bird2') === 'bird2' ? (options.origins ?? null) : null,
  };
}
