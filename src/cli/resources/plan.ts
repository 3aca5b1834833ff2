/**
 * What a verb is about to do, worked out on what is stored now and before anything is written: for `--dry-run`, for
 * `diff`, and for the question whether a change takes routes.
 */
import type { Datastore } from '../../datastore/datastore.ts';
import type { Change, Listing } from '../../model/change.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import type { Operation } from './failure.ts';
import { sameContent } from './same-content.ts';

/** One resource and what becomes of it. */
export type Step = { readonly kind: Kind; readonly name: string } & (
  | { readonly does: 'put'; readonly before: Resource | undefined; readonly after: Resource }
  | { readonly does: 'delete' }
  /** Passed over on purpose. */
  | { readonly does: 'skip' }
  | { readonly does: 'fail'; readonly error: unknown; readonly operation: Operation }
);

export interface Plan {
  /** In the order in which they would be made. */
  readonly steps: readonly Step[];
  /** What the steps mean to a watch of the datastore, with what else goes along. */
  readonly changes: readonly Change[];
}

/** What is stored, read once for each kind or name and kept. */
export interface Stored {
  /** @returns undefined where there is none. @throws E_INVALID_RESOURCE where what is stored is broken */
  get(kind: Kind, name: string): Promise<Resource | undefined>;
  list(kind: Kind): Promise<Listing>;
}

export function storedIn(datastore: Datastore): Stored {
  const lists = new Map<Kind, Promise<Listing>>();
  return {
    get: (kind, name) =>
      datastore.get(kind, name).catch((error: unknown) => {
        if (error instanceof CalicoRrError && error.code === 'E_NOT_FOUND') return undefined;
        throw error;
      }),
    list(kind) {
      const known = lists.get(kind) ?? datastore.list(kind);
      lists.set(kind, known);
      return known;
    },
  };
}

/** @param steps in the order in which they would be made */
export async function planOf(steps: readonly Step[], stored: Stored, datastore: Datastore): Promise<Plan> {
  const changes: Change[] = [];
  for (const step of steps) {
    const { kind, name } = step;
    if (step.does === 'put' && (step.before === undefined || !sameContent(step.before, step.after)))
      changes.push({ op: 'put', resource: step.after });
    if (step.does === 'delete')
      changes.push(...(await belongings(kind, name, stored, datastore)), { op: 'delete', kind, name });
  }
  return { steps, changes };
}

/** On both etcds a node's own peers and configuration go with it. */
async function belongings(
  kind: Kind,
  name: string,
  stored: Stored,
  { type }: Datastore,
): Promise<readonly Change[]> {
  if (kind !== 'Node' || (type !== 'etcdv2' && type !== 'etcdv3')) return [];
  const { resources } = await stored.list('BGPPeer');
  const peers = resources.filter(({ spec }) => spec.node === name);
  const own = await stored.get('BGPConfiguration', `node.${name}`).catch(() => undefined);
  return [...peers, ...(own === undefined ? [] : [own])].map(
    (resource): Change => ({ op: 'delete', kind: resource.kind, name: resource.metadata.name }),
  );
}
