/** The documents that a writing verb is given, in the order in which they stand, each judged before it is written. */
import type { DatastoreType } from '../../datastore/datastore.ts';
import { showFault } from '../../datastore/file/excerpt.ts';
import { type ManifestProblem, readManifest } from '../../datastore/file/manifest.ts';
import { CalicoRrError, formatPlace, type Place } from '../../model/errors.ts';
import { isKind, type JsonObject, type Kind, keyOf, type Resource } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure } from './failure.ts';
import { faultsText, validationText } from './faults.ts';
import type { GivenText } from './given.ts';

export interface FileFlags {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly skipEmpty?: boolean;
}

export interface GivenDocument {
  readonly kind: Kind;
  readonly name: string;
  readonly place: Place;
  /** With the resourceVersion that the document names, if it names one; undefined where it is not valid. */
  readonly resource: Resource | undefined;
  /** What is wrong with its values, in calicoctl's words; undefined where it is valid. */
  readonly invalid: string | undefined;
  /** The places of that. */
  readonly faults: readonly ManifestProblem[];
}

/** What was given with `-f`. @throws E_USAGE where nothing was */
export function pathsOf(flags: FileFlags): readonly string[] {
  const { filename = [] } = flags;
  if (filename.length > 0) return filename;
  throw new CalicoRrError('E_USAGE', 'no file is given.', {
    hint: 'Give one with -f; "-" is standard input.',
  });
}

/**
 * @param type of the datastore: on etcd v2 names follow from keys
 * @returns empty where the files hold nothing
 * @throws CommandFailure with every fault of every file where one hides a document or has a field that there is none of
 */
export function documentsIn(
  texts: readonly GivenText[],
  type: DatastoreType,
  program: ProgramName,
): readonly GivenDocument[] {
  const names = type === 'etcdv2' ? 'keys' : 'v3';
  const manifests = texts.map(({ file, text }) => readManifest(file, text, { strict: true, names }));
  const problems = manifests.flatMap((manifest) => manifest.problems);
  const errors = problems.filter(({ severity }) => severity === 'error');
  const hiding = errors.filter((error) => error.subject === undefined || error.code === 'unknown-field');
  // calicoctl tells of these alone, and of values when it writes; here all is told at once.
  if (hiding.length > 0)
    throw new CommandFailure(faultsText(hiding, program === 'calicoctl' ? hiding : errors));
  if (program === 'calico-rr')
    for (const problem of problems)
      if (problem.severity === 'warning') process.stderr.write(`warning: ${showFault(problem)}\n`);
  const documents = manifests.flatMap(({ resources }) =>
    resources.map(
      ({ resource, place }): GivenDocument => ({
        kind: resource.kind,
        name: resource.metadata.name,
        place,
        resource,
        invalid: undefined,
        faults: [],
      }),
    ),
  );
  return inOrder(texts, [...documents, ...invalidOnes(errors)]);
}

/** Documents that name one resource twice. */
export function duplicatesIn(documents: readonly GivenDocument[]): CommandFailure | undefined {
  const first = new Map<string, GivenDocument>();
  for (const document of documents) {
    const key = keyOf({ kind: document.kind, metadata: { name: document.name } });
    const other = first.get(key);
    if (other !== undefined)
      return new CommandFailure(
        `Failed to execute command: ${key} stands at ${formatPlace(other.place)} and again at ${formatPlace(document.place)}\n  Remove one of them.`,
      );
    first.set(key, document);
  }
  return undefined;
}

function invalidOnes(errors: readonly ManifestProblem[]): readonly GivenDocument[] {
  const byDocument = new Map<JsonObject | undefined, ManifestProblem[]>();
  for (const error of errors) {
    const group = byDocument.get(error.document);
    if (group === undefined) byDocument.set(error.document, [error]);
    else group.push(error);
  }
  return [...byDocument].flatMap(([document, faults]): GivenDocument[] => {
    const [first] = faults;
    const [kind = '', ...name] = (first?.subject ?? '').split('/');
    if (first === undefined || !isKind(kind)) return [];
    const invalid = validationText(faults, document);
    return [{ kind, name: name.join('/'), place: first.place, resource: undefined, invalid, faults }];
  });
}

function inOrder(texts: readonly GivenText[], documents: readonly GivenDocument[]): readonly GivenDocument[] {
  const files = texts.map(({ file }) => file);
  return [...documents].sort(
    (one, other) =>
      files.indexOf(one.place.file) - files.indexOf(other.place.file) ||
      (one.place.line ?? 0) - (other.place.line ?? 0) ||
      (one.place.column ?? 0) - (other.place.column ?? 0),
  );
}
