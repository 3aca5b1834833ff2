/**
 * Several paths to one prefix over one session (RFC 7911), for both engines. To take them costs nothing where a peer
 * sends none, so it is offered unless it is turned off; to tell them is asked for, because every peer that takes them
 * has to keep as many times the routes.
 */
import type { AddPathMode } from '../bgp/index.ts';

/**
 * `off`: not offered. `receive`: taken, and one is told. `all`: taken, and all are told to who takes them. A number: at
 * most so many are told, the best ones, each with another next hop (the native engine only).
 */
export type AddPaths = 'off' | 'receive' | 'all' | number;

export const DEFAULT_ADD_PATHS = 'receive';

/** What is said of it in an OPEN: 1 receive, 3 both ways; null: nothing. */
export function addPathMode(addPaths: AddPaths): AddPathMode | null {
  if (addPaths === 'off') return null;
  return addPaths === 'receive' ? 1 : 3;
}

/** How many paths are told to a peer that takes several; null: none but the used one. */
export function pathsTold(addPaths: AddPaths): number | 'all' | null {
  return addPaths === 'off' || addPaths === 'receive' ? null : addPaths;
}
