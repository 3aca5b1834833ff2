/** What the native engine may be told, and what it takes where it is told nothing. */
import type { Logger } from 'pino';
import type { AddPaths } from '../add-paths.ts';
import type { Clock } from './peer-link.ts';

export interface NativeEngineOptions {
  /** A folder of our own, mode 0700: engine.lock, native-engine.json. Made if absent. */
  readonly stateDir: string;
  /** `pools`: a reflector takes only IP pools, service ranges and listed prefixes. Default `any`. */
  readonly acceptPrefixes?: 'any' | 'pools';
  /** Routes taken from one client at most; the excess is refused, the session stays. Default 10000. */
  readonly maxPrefixes?: number;
  /** A session beyond its limit is closed for so many seconds (RFC 4486). Default null: the excess is refused. */
  readonly overLimitSeconds?: number | null;
  /** Long-lived stale time that a reflector announces (RFC 9494), seconds; 0 turns it off. Default 3600. */
  readonly llgrSeconds?: number;
  /** Several paths to one prefix (RFC 7911). Default `receive`. */
  readonly addPaths?: AddPaths;
  /** A Calico node is taken, too: it announces its blocks and programs no kernel. Default false: it is refused. */
  readonly nodesWithoutKernel?: boolean;
  readonly log: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export type NativeOptions = Required<
  Pick<
    NativeEngineOptions,
    'acceptPrefixes' | 'maxPrefixes' | 'overLimitSeconds' | 'llgrSeconds' | 'addPaths'
  >
>;
