/**
 * What a resource may not be because of what else is stored (libcalico-go, clientv3/bgppeer.go and ippool.go): a peer's
 * filters must be there when it is written, and later they may go; a pool overlaps no other, and keeps its range.
 */
import { overlap, parsePrefix } from '../../model/address.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import { validationText } from './faults.ts';

/** What is stored, with what is about to be written before this. */
export interface Others {
  /** Undefined where there is nothing. */
  get(kind: Kind, name: string): Promise<Resource | undefined>;
  list(kind: Kind): Promise<{ readonly resources: readonly Resource[] }>;
}

/** The error that writing this would be, or undefined. */
export async function refusedByOthers(
  wanted: Resource,
  before: Resource | undefined,
  others: Others,
): Promise<CalicoRrError | undefined> {
  if (wanted.kind === 'BGPPeer') return missingFilters(wanted, others);
  if (wanted.kind === 'IPPool') return poolConflict(wanted, before, others);
  return undefined;
}

async function missingFilters({ spec }: Resource, { get }: Others): Promise<CalicoRrError | undefined> {
  if (!Array.isArray(spec.filters)) return undefined;
  const names: readonly unknown[] = spec.filters;
  const missing: string[] = [];
  for (const name of names) {
    if (typeof name !== 'string') continue;
    const isThere = await get('BGPFilter', name).then(
      (found) => found !== undefined,
      (error: unknown) => {
        // One that is broken is there.
        if (error instanceof CalicoRrError && error.code === 'E_INVALID_RESOURCE') return true;
        throw error;
      },
    );
    if (!isThere) missing.push(name);
  }
  if (missing.length === 0) return undefined;
  const fault = { code: 'no-such-filter', field: 'spec.filters', message: 'BGPFilter(s) not found' } as const;
  const text = validationText([fault], { spec: { filters: missing.join(' ') } });
  return new CalicoRrError('E_INVALID_RESOURCE', text, {
    hint: 'Create the filter first; in one file it stands before the peer.',
  });
}

async function poolConflict(
  { metadata, spec }: Resource,
  before: Resource | undefined,
  { list }: Others,
): Promise<CalicoRrError | undefined> {
  const cidr = prefixOf(spec.cidr);
  if (cidr === undefined) return undefined;
  if (before !== undefined)
    return prefixOf(before.spec.cidr) === cidr
      ? undefined
      : poolError(
          cidr,
          'IPPool CIDR cannot be modified',
          'Create another pool, disable this one, and delete it when no pod has an address of it.',
        );
  const { resources } = await list('IPPool');
  for (const other of resources) {
    const taken = prefixOf(other.spec.cidr);
    if (taken === undefined || other.metadata.name === metadata.name || !overlap(cidr, taken)) continue;
    const reason = `IPPool(${metadata.name}) CIDR overlaps with IPPool(${other.metadata.name}) CIDR ${taken}`;
    return poolError(cidr, reason, 'Choose a range of its own.');
  }
  return undefined;
}

function prefixOf(cidr: unknown): ReturnType<typeof parsePrefix> {
  return typeof cidr === 'string' ? parsePrefix(cidr) : undefined;
}

function poolError(cidr: string, reason: string, hint: string): CalicoRrError {
  const text = `error with field IPPool.Spec.CIDR = '${cidr}' (${reason})`;
  return new CalicoRrError('E_INVALID_RESOURCE', text, { hint });
}
