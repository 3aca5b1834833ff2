/** What a refused write means to who asked for it. */
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import { conflict } from '../write-errors.ts';
import { V2_ERROR } from './reply.ts';

/** Conditions that were not met, or a tree that is not as Calico makes it. */
export function refusal(
  errorCode: number,
  key: string,
  lost: (errorCode: number) => CalicoRrError,
): CalicoRrError {
  switch (errorCode) {
    case V2_ERROR.keyNotFound:
    case V2_ERROR.compareFailed:
    case V2_ERROR.keyExists:
    case V2_ERROR.directoryNotEmpty:
      return lost(errorCode);
    default:
      return new CalicoRrError('E_DATASTORE_REPLY', `etcd refused to write ${key} (error ${errorCode}).`, {
        hint: 'Look at what is there with "etcdctl ls --recursive /calico/bgp/v1": a key may be a directory, or a directory a key.',
      });
  }
}

/** @param written the keys that were written before somebody else was found to have changed the next */
export function halfDone(kind: Kind, name: string, written: readonly string[]): CalicoRrError {
  if (written.length === 0) return conflict(kind, name);
  return new CalicoRrError(
    'E_CONFLICT',
    `${kind}/${name} was changed by somebody else while it was being written; ${written.join(', ')} was written already.`,
    { hint: 'Read it again: it holds some of both changes. Then write what it shall be.' },
  );
}
