/**
 * Resources as a person wrote them, for verbs that take `-f`: every one judged strictly, and everything that is wrong
 * with a file said at once, each with its place, the line and a caret.
 */
import { readFile } from 'node:fs/promises';
import { CalicoRrError, formatPlace, hasCode, messageOf, type Place } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import { type JsonObject, keyOf, type Resource } from '../../model/resource.ts';
import type { UpgradeOptions } from '../../model/upgrade/v1.ts';
import { type ValidateOptions, validateResource } from '../../model/validate.ts';
import { readResource } from '../resource-json.ts';
import { nameEntry } from './documents.ts';
import { lineOf, type PlacedFault, showFault } from './excerpt.ts';
import { isWritten, locate, type Spot } from './locate.ts';
import { type Entry, type ParsedText, parseText } from './parse.ts';
import { filesOf } from './sources.ts';

export type ManifestOptions = ValidateOptions & UpgradeOptions;

/** A fault or a warning of one file, at its place. */
export interface ManifestProblem extends PlacedFault {
  readonly code: Problem['code'];
  readonly severity: Problem['severity'];
  /** `Kind/name`; absent where it is not known what the document is. */
  readonly subject?: string;
  /** Where in the document, such as `spec.peers[0].ip`; absent where it is about the whole, or about the text. */
  readonly field?: string;
  /** The document as it stands there; absent where the text could not be read. */
  readonly document?: JsonObject;
}

export interface ManifestResource {
  /** In the shape of today, without a version unless the document states one. */
  readonly resource: Resource;
  readonly place: Place;
}

export interface Manifest {
  /** Those without errors, in the order in which they stand. */
  readonly resources: readonly ManifestResource[];
  /** In the order of their places. Errors first to be mended, warnings to be read. */
  readonly problems: readonly ManifestProblem[];
}

/**
 * @param file its path, or what to call it in messages
 * @param options `strict`: as for `validateResource`; without it only what hides a resource is an error, and its fields
 * are left to whoever reads it. `names`: how documents of Calico v2 are named
 */
export function readManifest(file: string, text: string, options: ManifestOptions): Manifest {
  const parsed = parseText(file, text);
  const resources: ManifestResource[] = [];
  const problems: ManifestProblem[] = parsed.faults.map((fault) => ({
    ...fault,
    severity: 'error',
    ...lineAt(text, fault.place),
  }));
  for (const entry of parsed.entries) {
    const read = readEntry(entry, options);
    // What a lost value may have to do with is not held against the document, nor is the value told of twice.
    const told = entry.incomplete
      ? read.problems.filter((problem) => isOfOneField(problem, entry, parsed))
      : read.problems;
    const lost = new Set(parsed.faults.map(({ place }) => place.line));
    problems.push(
      ...told
        .map((problem) => placed(problem, entry, parsed, text))
        .filter(({ place }) => !entry.incomplete || !lost.has(place.line)),
    );
    if (entry.incomplete) continue;
    if (read.resource !== undefined) resources.push({ resource: read.resource, place: entry.place });
  }
  const sorted = [...problems].sort(
    (one, other) =>
      (one.place.line ?? 0) - (other.place.line ?? 0) || (one.place.column ?? 0) - (other.place.column ?? 0),
  );
  return { resources, problems: sorted };
}

/**
 * The same of a file, or of every file of a folder in the order of their names. Two documents of one kind and name are a
 * fault where it is strict, and a warning else: the first counts.
 * @throws E_FILE where the path does not exist or cannot be read
 */
export async function readManifests(path: string, options: ManifestOptions): Promise<Manifest> {
  const files = await filesOf(path).catch((error: unknown) => {
    const missing = hasCode(error, 'ENOENT');
    throw new CalicoRrError(
      'E_FILE',
      missing ? `${path} does not exist.` : `${path} cannot be read: ${messageOf(error)}.`,
      { hint: missing ? 'Check the path after -f.' : 'Check its owner and mode.', cause: error },
    );
  });
  const manifests: Manifest[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new CalicoRrError('E_FILE', `${file} cannot be read: ${messageOf(error)}.`, {
        hint: 'Check its owner and mode.',
        cause: error,
      });
    });
    manifests.push(readManifest(file, text, options));
  }
  return joinManifests(manifests, options);
}

/** Several manifests as one, in their order; for verbs that take several `-f`. */
export function joinManifests(manifests: readonly Manifest[], { strict }: ManifestOptions): Manifest {
  const problems = manifests.flatMap((manifest) => manifest.problems);
  const resources = new Map<string, ManifestResource>();
  for (const one of manifests.flatMap((manifest) => manifest.resources)) {
    const key = keyOf(one.resource);
    const first = resources.get(key);
    if (first === undefined) {
      resources.set(key, one);
      continue;
    }
    const counts = strict ? '' : '; the first counts';
    problems.push({
      code: 'duplicate',
      severity: strict ? 'error' : 'warning',
      subject: key,
      place: one.place,
      message: `${key} stands at ${formatPlace(first.place)} and again at ${formatPlace(one.place)}${counts}.`,
      hint: 'Remove one of them.',
    });
  }
  return { resources: [...resources.values()], problems };
}

/** The errors as they are shown, one after the other; empty where there are none. */
export function showErrors(manifest: Manifest): string {
  return errorsOf(manifest).map(showFault).join('\n');
}

/** @throws E_YAML with every error at its place, where there are some */
export function refuseErrors(manifest: Manifest): void {
  const errors = errorsOf(manifest);
  const files = [...new Set(errors.map(({ place }) => place.file))];
  if (errors.length === 0) return;
  const what = errors.length === 1 ? 'one error' : `${errors.length} errors`;
  throw new CalicoRrError('E_YAML', `${what} in ${files.join(', ')}\n${showErrors(manifest)}`);
}

function errorsOf({ problems }: Manifest): readonly ManifestProblem[] {
  return problems.filter(({ severity }) => severity === 'error');
}

type FieldProblem = Pick<Problem, 'code' | 'severity' | 'message' | 'hint' | 'field'> & {
  readonly subject?: string;
};

function readEntry(
  { value }: Entry,
  options: ManifestOptions,
): { readonly resource?: Resource; readonly problems: readonly FieldProblem[] } {
  const named = nameEntry(value, options);
  if (!named.ok) return { problems: named.faults.map((fault) => ({ ...fault, severity: 'error' })) };
  const { kind, name, upgrade } = named;
  const older = (upgrade?.problems ?? []).map((problem) => asStrict(problem, options));
  if (named.value === undefined) return { problems: older };
  const version = isVersioned(value) ? value.metadata.resourceVersion : undefined;
  const read = readResource(kind, name, named.value, version);
  if (!read.ok) {
    const fault = { ...read.fault, severity: 'error' as const, subject: `${kind}/${name}` };
    return { problems: [...older, fault] };
  }
  const origins = upgrade?.origins;
  const judged = options.strict ? validateResource(read.resource, options) : [];
  const found = judged.map((problem) => ({
    ...problem,
    ...(problem.field === undefined ? {} : { field: origins?.get(problem.field) ?? problem.field }),
  }));
  // What the document of Calico v2 was told already is not told again of what became of it.
  const told = new Set(older.map(({ field }) => field));
  const problems = [...older, ...found.filter(({ field }) => field === undefined || !told.has(field))];
  return problems.some(({ severity }) => severity === 'error')
    ? { problems }
    : { resource: read.resource, problems };
}

function isOfOneField(
  { code, field, severity }: FieldProblem,
  { document, path }: Entry,
  { documents }: ParsedText,
): boolean {
  const whole = documents[document];
  // That there is no metadata at all has nothing to do with a value that was lost.
  if (field === 'metadata.name' && whole !== undefined && !isWritten({ document: whole, path }, 'metadata'))
    return true;
  if (severity !== 'error' || field === undefined || code === 'conflict' || whole === undefined) return false;
  return isWritten({ document: whole, path }, field);
}

function asStrict(problem: Problem, { strict }: ManifestOptions): Problem {
  if (!strict || problem.code !== 'unknown-field') return problem;
  return { ...problem, severity: 'error', message: problem.message.replace(' and is passed over.', '.') };
}

function isVersioned(value: unknown): value is { readonly metadata: { readonly resourceVersion: string } } {
  if (typeof value !== 'object' || value === null || !('metadata' in value)) return false;
  const { metadata } = value;
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    'resourceVersion' in metadata &&
    typeof metadata.resourceVersion === 'string'
  );
}

function placed(problem: FieldProblem, entry: Entry, parsed: ParsedText, text: string): ManifestProblem {
  const document = parsed.documents[entry.document];
  const { code, severity, subject, field = '' } = problem;
  const spot: Spot | undefined = document === undefined ? undefined : { document, path: entry.path };
  const place =
    spot === undefined || field === '' ? entry.place : parsed.placeAt(locate(text, spot, field, problem));
  // The caret shows it in the file; the reader's own drawing is of the selector alone.
  const drawn = code === 'bad-selector';
  const message = drawn ? problem.message.replace(/ \((?:line \d+, )?column \d+\)\.$/, '.') : problem.message;
  return {
    code,
    severity,
    place,
    message,
    document: entry.value,
    ...(subject === undefined ? {} : { subject }),
    ...(field === '' ? {} : { field }),
    ...(problem.hint === undefined || drawn ? {} : { hint: problem.hint }),
    // The line of a password may show it.
    ...(code === 'inline-password' || code === 'missing-password' ? {} : lineAt(text, place)),
  };
}

function lineAt(text: string, place: Place): { readonly line?: string } {
  const line = lineOf(text, place.line);
  return line === undefined ? {} : { line };
}
