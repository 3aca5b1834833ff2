/**
 * Names from the datastore for whoever presses the tab key: read anew each time, after two seconds of waiting at most, and
 * silent about everything that fails. With `-f` they are those of the files.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Kind, Resource } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { addressesOf } from '../reflectors/addresses.ts';
import { findKind } from '../resources/kinds.ts';
import { openForVerb } from '../resources/open.ts';
import type { Names, Typed } from './candidates.ts';

const PATIENCE_MS = 2000;

export function namesFrom({ flags }: Pick<Typed, 'flags'>, program: ProgramName): Names {
  async function list(kind: Kind): Promise<readonly Resource[]> {
    if (flags.file !== undefined) {
      const { readResources } = await import('../../datastore/file/catalogue.ts');
      const { resources } = await readResources(flags.file);
      return resources.filter((resource) => resource.kind === kind);
    }
    const datastore = await openForVerb(flags, program);
    // What the process still has open ends with it.
    return (await datastore.list(kind)).resources;
  }

  async function resources(kind: Kind): Promise<readonly Resource[]> {
    return Promise.race([list(kind).catch(() => []), waitedInVain()]);
  }

  async function ofKind(kind: Kind): Promise<readonly string[]> {
    return (await resources(kind)).map(({ metadata }) => metadata.name);
  }

  async function reflecting(): Promise<readonly Resource[]> {
    const [entries, nodes] = await Promise.all([resources('RouteReflector'), resources('Node')]);
    return [...entries, ...nodes.filter((node) => clusterIdOf(node) !== undefined)];
  }

  return {
    async ofKind(alias) {
      const kind = findKind(alias)?.kind;
      return kind === undefined ? [] : ofKind(kind);
    },
    async speakers() {
      const [reflectors, nodes] = await Promise.all([ofKind('RouteReflector'), ofKind('Node')]);
      return [...new Set([...reflectors, ...nodes])];
    },
    reflectors: async () =>
      (await reflecting()).map(({ metadata, spec }) => metadata.name || (addressesOf({ spec })[0] ?? '')),
    clusterIds: async () => [...new Set((await reflecting()).flatMap((one) => clusterIdOf(one) ?? []))],
  };
}

/**
 * Nothing, once so long was spent waiting. Our own work is not counted: on a busy machine loading the code alone takes longer,
 * and a datastore that answers at once would be taken for one that does not.
 */
async function waitedInVain(): Promise<readonly Resource[]> {
  const idleMs = (): number => performance.eventLoopUtilization().idle;
  const end = idleMs() + PATIENCE_MS;
  for (let left = PATIENCE_MS; left > 0; left = end - idleMs()) await delay(left);
  return [];
}

function clusterIdOf({ kind, spec }: Resource): string | undefined {
  const bgp = spec.bgp;
  const value =
    kind === 'RouteReflector'
      ? spec.clusterID
      : typeof bgp === 'object' && bgp !== null && 'routeReflectorClusterID' in bgp
        ? bgp.routeReflectorClusterID
        : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
