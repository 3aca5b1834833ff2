/** Which resources the documents of files are, where nothing but their kind and name counts (get -f, delete -f). */
import type { DatastoreType } from '../../datastore/datastore.ts';
import { readManifest } from '../../datastore/file/manifest.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import { CommandFailure } from './failure.ts';
import { faultsText } from './faults.ts';
import type { GivenText } from './given.ts';

export interface Identity {
  readonly kind: Kind;
  readonly name: string;
  /** The version that the document names: only that one is meant. */
  readonly resourceVersion?: string;
}

/** @throws CommandFailure with every fault, E_FILE where there is no document */
export function identitiesIn(texts: readonly GivenText[], type: DatastoreType): readonly Identity[] {
  const names = type === 'etcdv2' ? 'keys' : 'v3';
  const manifests = texts.map(({ file, text }) => readManifest(file, text, { strict: false, names }));
  const errors = manifests.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error'));
  if (errors.length > 0) throw new CommandFailure(faultsText(errors, errors));
  const identities = manifests.flatMap(({ resources }) =>
    resources.map(({ resource: { kind, metadata } }) => ({
      kind,
      name: metadata.name,
      ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
    })),
  );
  if (identities.length > 0) return identities;
  const files = texts.map(({ file }) => file).join(', ');
  throw new CalicoRrError('E_FILE', `no resources specified in file ${files}`);
}
