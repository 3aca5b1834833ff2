/**
 * `validate`: every fault of every document at once, each with its place and a caret; nothing is asked of a datastore.
 * Called calicoctl, it reports as the verbs that write do.
 */
import type { DatastoreType } from '../../datastore/datastore.ts';
import { showFault } from '../../datastore/file/excerpt.ts';
import {
  joinManifests,
  type Manifest,
  type ManifestProblem,
  readManifest,
} from '../../datastore/file/manifest.ts';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import { keyOf } from '../../model/resource.ts';
import { checkOutput } from '../output.ts';
import type { ProgramName } from '../program-name.ts';
import { documentsIn, type FileFlags, pathsOf } from './documents.ts';
import { CommandFailure, failedToExecute } from './failure.ts';
import { type GivenText, readGiven } from './given.ts';
import { type Outcome, report } from './report.ts';
import { asStored } from './stored-as.ts';
import { refusedWrite } from './unwritable.ts';
import { wantedOf } from './write-steps.ts';

export interface ValidateFlags extends FileFlags {
  readonly etcdApi?: string;
  readonly output?: string;
}

/** @throws CommandFailure where something is wrong */
export async function runValidate(flags: ValidateFlags, program: ProgramName): Promise<void> {
  try {
    const json = checkOutput(flags.output);
    const texts = readGiven(pathsOf(flags), flags.recursive === true);
    const type = typeOf(flags);
    if (program === 'calicoctl' && !json) await reportOn(texts, type, flags);
    else await tell(texts, type, flags, json);
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

/** Which datastore the documents are for: what it has no place for is a fault. */
function typeOf({ etcdApi }: ValidateFlags): DatastoreType {
  if (etcdApi !== undefined && etcdApi !== 'v2' && etcdApi !== 'v3')
    throw new CalicoRrError('E_USAGE', `--etcd-api is "${etcdApi}", not v2 or v3`);
  const type = etcdApi === undefined ? process.env.DATASTORE_TYPE : `etcd${etcdApi}`;
  return type === 'etcdv2' ? 'etcdv2' : 'file';
}

async function tell(
  texts: readonly GivenText[],
  type: DatastoreType,
  flags: ValidateFlags,
  json: boolean,
): Promise<void> {
  const options = { strict: true, names: type === 'etcdv2' ? 'keys' : 'v3' } as const;
  const manifests = texts.map(({ file, text }) => readManifest(file, text, options));
  const joined = joinManifests(manifests, options);
  const problems = [...joined.problems, ...(await withoutPlace(joined, type))];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (json) process.stdout.write(`${JSON.stringify(problems.map(asJson), null, 2)}\n`);
  else for (const problem of problems) process.stderr.write(`${problem.severity}: ${showFault(problem)}\n`);
  if (errors.length > 0) {
    const files = new Set(errors.map(({ place }) => place.file));
    throw new CommandFailure(
      `${errors.length === 1 ? 'one error' : `${errors.length} errors`} in ${[...files].join(', ')}`,
    );
  }
  const outcomes = joined.resources.map(({ resource }): Outcome => {
    return { kind: resource.kind, name: resource.metadata.name, operation: 'Create' };
  });
  if (outcomes.length === 0) refuseNothing(flags);
  else if (!json) report('validate', outcomes, 'calico-rr');
}

/** What the datastore has no place for. */
async function withoutPlace(manifest: Manifest, type: DatastoreType): Promise<readonly ManifestProblem[]> {
  const problems: ManifestProblem[] = [];
  for (const { resource, place } of manifest.resources) {
    const error = await refusedWrite(asStored(resource, type), 'Create', type);
    if (error === undefined) continue;
    const hint = error instanceof CalicoRrError ? error.hint : undefined;
    const about = { code: 'not-supported', severity: 'error', subject: keyOf(resource), place } as const;
    problems.push({ ...about, message: messageOf(error), ...(hint === undefined ? {} : { hint }) });
  }
  return problems;
}

/** As calicoctl reports: one sentence for all, without places. */
async function reportOn(
  texts: readonly GivenText[],
  type: DatastoreType,
  flags: ValidateFlags,
): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const document of documentsIn(texts, type, 'calicoctl')) {
    const wanted = wantedOf(document, type);
    const error = wanted instanceof Error ? wanted : await refusedWrite(wanted, 'Create', type);
    const { kind, name } = document;
    outcomes.push({ kind, name, operation: 'Create', ...(error === undefined ? {} : { error }) });
  }
  if (outcomes.length === 0) refuseNothing(flags);
  else report('validate', outcomes, 'calicoctl');
}

function refuseNothing(flags: ValidateFlags): void {
  if (flags.skipEmpty !== true)
    throw new CommandFailure(`no resources specified in file ${pathsOf(flags).join(', ')}`);
}

function asJson({ code, severity, subject, field, message, hint, place }: ManifestProblem): object {
  return { code, severity, subject, field, message, hint, ...place };
}
