/**
 * `diff`: what `apply` would make of what is stored, as a unified diff of YAML for each resource, and then what that
 * does to sessions and routes. The status is that of diff(1): 0 the same, 1 different, 2 not told.
 */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { isJsonObject } from '../../model/json.ts';
import type { Json, Resource } from '../../model/resource.ts';
import { paint } from '../paint.ts';
import type { ProgramName } from '../program-name.ts';
import { documentsIn, duplicatesIn, type FileFlags, pathsOf } from './documents.ts';
import { CommandFailure, calicoText, failedToExecute, hintsOf, withHints } from './failure.ts';
import { readGiven } from './given.ts';
import { documentOf } from './listed.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { planOf, type Step, storedIn } from './plan.ts';
import { sameContent } from './same-content.ts';
import { judgementText, weigh } from './weigh.ts';
import { stepsOf } from './write-steps.ts';
import { asYaml } from './yaml-text.ts';

export type DiffFlags = DatastoreFlags & FileFlags;

/** Lines around a change. */
const CONTEXT = 3;

/** @throws CommandFailure where one of the documents could not be applied */
export async function runDiff(flags: DiffFlags, program: ProgramName): Promise<void> {
  try {
    await tell(flags, program);
  } catch (error) {
    const { message, exitCode, cause } = failedToExecute(error, program);
    // 1 says that something differs.
    throw new CommandFailure(message, Math.max(2, exitCode), cause);
  }
}

async function tell(flags: DiffFlags, program: ProgramName): Promise<void> {
  const texts = readGiven(pathsOf(flags), flags.recursive === true);
  const datastore = await openForVerb(flags, program);
  try {
    const documents = documentsIn(texts, datastore.type, program);
    if (documents.length === 0 && flags.skipEmpty !== true)
      throw new CommandFailure(`no resources specified in file ${pathsOf(flags).join(', ')}`);
    const twice = duplicatesIn(documents);
    if (twice !== undefined) throw twice;
    const stored = storedIn(datastore);
    const steps = await stepsOf(documents, 'apply', stored, { type: datastore.type, skipExists: false });
    const plan = await planOf(steps, stored, datastore);
    process.stdout.write(steps.map(diffText).join(''));
    if (plan.changes.length > 0) {
      process.stdout.write(judgementText(await weigh(plan, stored)));
      process.exitCode = 1;
    }
    refuseFailures(steps, program);
  } finally {
    await datastore.close();
  }
}

function diffText(step: Step): string {
  if (step.does !== 'put') return '';
  const { kind, name, before, after } = step;
  if (before !== undefined && sameContent(before, after)) return '';
  const patch = createTwoFilesPatch(
    before === undefined ? '/dev/null' : `stored/${kind}/${name}`,
    `given/${kind}/${name}`,
    before === undefined ? '' : textOf(before),
    textOf(after),
    undefined,
    undefined,
    { context: CONTEXT, headerOptions: FILE_HEADERS_ONLY },
  );
  return patch.replace(/^.*$/gm, coloured);
}

/** The resource as `get --export` prints it: what differs from write to write is no difference. */
function textOf(resource: Resource): string {
  return asYaml(masked(documentOf(resource, true))).replace(/^ {2}creationTimestamp: null\n/m, '');
}

/** A password that was stored as it is, where only a reference belongs, may be shown to others in a diff. */
function masked(value: Json): Json {
  if (Array.isArray(value)) return value.map(masked);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).map(([key, inner]) => {
    const isSecret = key === 'password' && (typeof inner === 'string' || typeof inner === 'number');
    return [key, isSecret ? '********' : masked(inner)] as const;
  });
  return Object.fromEntries(kept);
}

function coloured(line: string): string {
  if (line.startsWith('@@')) return paint('quiet', line);
  if (line.startsWith('+')) return paint('good', line);
  if (line.startsWith('-')) return paint('bad', line);
  return line;
}

function refuseFailures(steps: readonly Step[], program: ProgramName): void {
  const failed = steps.filter((step) => step.does === 'fail');
  if (failed.length === 0) return;
  const texts = failed.map(({ kind, name, error, operation }) => {
    const text = `${kind}(${name}) could not be applied: ${calicoText(error, kind, name, operation)}`;
    return withHints(text, hintsOf([error], program));
  });
  throw new CommandFailure(texts.join('\n'));
}
