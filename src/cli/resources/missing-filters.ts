/** A BGPPeer's filters must be there when it is written (libcalico-go, clientv3/bgppeer.go); later they may go. */
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import { validationText } from './faults.ts';

/**
 * The error of a peer that names filters that there are none of; undefined where all are there.
 * @param get what is stored; undefined where there is nothing
 */
export async function missingFilters(
  { kind, spec }: Resource,
  get: (kind: Kind, name: string) => Promise<Resource | undefined>,
): Promise<CalicoRrError | undefined> {
  if (kind !== 'BGPPeer' || !Array.isArray(spec.filters)) return undefined;
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
