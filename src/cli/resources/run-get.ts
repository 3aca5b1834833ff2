/** `get`: resources by name, all of a kind, or those that a file names; what is found is printed though one is missing. */
import { type Datastore, glean } from '../../datastore/datastore.ts';
import type { Broken } from '../../model/change.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import { isSelector, parseSelector, showFault } from '../../model/selector/selector.ts';
import { namesOfPeers, type ScopeFlags, scopeOf } from '../older/scoped-peers.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, calicoText, failedToExecute, hintsOf, withHints } from './failure.ts';
import { type GivenText, readGiven } from './given.ts';
import type { Identity } from './identities.ts';
import { type CellContext, kindOf } from './kinds.ts';
import type { Found } from './listed.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { type Lines, linesOf, type Output, printed, readOutput } from './output.ts';

export interface GetFlags extends DatastoreFlags, ScopeFlags {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly output?: string;
  readonly export?: boolean;
  readonly selector?: string;
  readonly namespace?: string;
}

interface Missed {
  readonly kind: Kind;
  readonly name: string;
  readonly error: unknown;
}

/** @throws CommandFailure */
export async function runGet(
  kindWord: string | undefined,
  names: readonly string[],
  flags: GetFlags,
  program: ProgramName,
): Promise<void> {
  const missed: Missed[] = [];
  let datastore: Datastore | undefined;
  try {
    const output = await readOutput(flags.output);
    const asked = wantedOf(kindWord, names, flags);
    const selected = selectorOf(flags.selector);
    const inScope = scopeOf(asked.is === 'files' ? undefined : asked.kind, flags);
    datastore = await openForVerb(flags, program);
    let wanted = asked;
    if (inScope !== undefined && asked.is === 'named')
      wanted = { ...asked, names: await namesOfPeers(asked.names, inScope, datastore) };
    const matches = (resource: Resource) => selected(resource) && (inScope?.(resource) ?? true);
    const lines = wanted.is === 'all' ? linesOf(wanted.kind, output) : undefined;
    const text =
      wanted.is === 'all' && lines !== undefined
        ? await gleaned(datastore, wanted.kind, matches, lines, output)
        : await foundText(datastore, wanted, matches, missed, output, flags.export === true);
    // calicoctl ends JSON without a line break.
    process.stdout.write(text === '' || text.endsWith('\n') || program === 'calicoctl' ? text : `${text}\n`);
  } catch (error) {
    throw datastore === undefined ? failedToExecute(error, program) : failedToGet(error, program);
  } finally {
    await datastore?.close();
  }
  if (missed.length > 0) {
    const texts = missed.map(({ error, kind, name }) => calicoText(error, kind, name, 'Get'));
    const errors = missed.map(({ error }) => error);
    throw new CommandFailure(withHints(texts.join('\n'), hintsOf(errors, program)));
  }
}

type Wanted =
  | { readonly is: 'all'; readonly kind: Kind }
  | { readonly is: 'named'; readonly kind: Kind; readonly names: readonly string[] }
  | { readonly is: 'files'; readonly texts: readonly GivenText[] };

function wantedOf(kindWord: string | undefined, names: readonly string[], flags: GetFlags): Wanted {
  if (flags.filename !== undefined && flags.filename.length > 0) {
    if (kindWord !== undefined)
      throw new CalicoRrError('E_USAGE', 'a kind and -f are both given.', { hint: 'Give one of them.' });
    return { is: 'files', texts: readGiven(flags.filename, flags.recursive === true) };
  }
  if (kindWord === undefined)
    throw new CalicoRrError('E_USAGE', 'nothing is asked for: give a kind, or -f FILE.', {
      hint: 'Such as: get bgppeers, get node n1 -o yaml.',
    });
  // kubectl's spelling: KIND/NAME.
  const [word = '', name] = kindWord.split('/');
  const { kind } = kindOf(word);
  refuseNamespace(kind, flags.namespace);
  const all = name === undefined ? names : [name, ...names];
  if (all.length === 0) return { is: 'all', kind };
  return { is: 'named', kind, names: all };
}

/** All our kinds are the cluster's. @throws E_USAGE */
export function refuseNamespace(kind: Kind, namespace: string | undefined): void {
  if (namespace !== undefined) throw new CalicoRrError('E_USAGE', `${kind} is not namespaced`);
}

/** @throws E_USAGE with a caret where it is no selector */
export function selectorOf(text: string | undefined): (resource: Resource) => boolean {
  if (text === undefined) return () => true;
  const plain = kubectlSelector(text);
  const selector = parseSelector(plain);
  if (!isSelector(selector))
    throw new CalicoRrError('E_USAGE', `-l: ${selector.message}\n${showFault(plain, selector)}`, {
      hint: "A selector is Calico's, such as \"rack == '7' && !has(drained)\"; rack=7 works too.",
    });
  return ({ metadata }) => selector.matches(metadata.labels ?? {});
}

/** `a=b,c!=d,e,!f`, as kubectl writes selectors, in Calico's words; anything else as it is. */
function kubectlSelector(text: string): string {
  const KEY = '[A-Za-z0-9_./-]+';
  const parts = text.split(',').map((part) => part.trim());
  const words: string[] = [];
  for (const part of parts) {
    const equal = new RegExp(`^(${KEY})\\s*(==?|!=)\\s*([A-Za-z0-9_.-]*)$`).exec(part);
    const has = new RegExp(`^(!?)(${KEY})$`).exec(part);
    if (equal !== null) words.push(`${equal[1]} ${equal[2] === '!=' ? '!=' : '=='} '${equal[3]}'`);
    else if (has !== null) words.push(`${has[1]}has(${has[2]})`);
    else return text;
  }
  return words.join(' && ');
}

/** All of a kind, of which nothing stays in memory but what is printed. */
async function gleaned(
  datastore: Datastore,
  kind: Kind,
  matches: (resource: Resource) => boolean,
  { cells, print }: Lines,
  output: Output,
): Promise<string> {
  const keep = async () => {
    const context = await contextFor(datastore, output, kind === 'Node');
    return (resource: Resource) => (matches(resource) ? cells(resource, context) : undefined);
  };
  const { kept, broken } = await glean(datastore, kind, keep());
  tellBroken(broken);
  return print(kept);
}

async function foundText(
  datastore: Datastore,
  wanted: Wanted,
  matches: (resource: Resource) => boolean,
  missed: Missed[],
  output: Output,
  exported: boolean,
): Promise<string> {
  const found = await find(datastore, wanted, matches, missed);
  if (found.is === 'several' && found.resources.length === 0) return '';
  const context = await contextFor(datastore, output, found.is !== 'list' || found.kind === 'Node');
  return printed(found, output, context, exported && found.is !== 'list');
}

function tellBroken(broken: readonly Broken[]): void {
  for (const { problem } of broken) process.stderr.write(`warning: ${problem.subject}: ${problem.message}\n`);
}

async function find(
  datastore: Datastore,
  wanted: Wanted,
  matches: (resource: Resource) => boolean,
  missed: Missed[],
): Promise<Found> {
  if (wanted.is === 'all') {
    const { kind } = wanted;
    const listing = await datastore.list(kind);
    tellBroken(listing.broken);
    return { is: 'list', kind, resources: listing.resources.filter(matches) };
  }
  const resources: Resource[] = [];
  const named =
    wanted.is === 'files'
      ? await identitiesOf(wanted.texts, datastore)
      : wanted.names.map((name) => ({ kind: wanted.kind, name }));
  for (const { kind, name } of named) {
    try {
      const resource = await datastore.get(kind, name);
      if (matches(resource)) resources.push(resource);
    } catch (error) {
      if (!(error instanceof CalicoRrError) || error.code === 'E_DATASTORE_UNREACHABLE') throw error;
      missed.push({ kind, name, error });
    }
  }
  const [only] = resources;
  if (named.length === 1 && only !== undefined) return { is: 'one', resource: only };
  return { is: 'several', resources };
}

async function identitiesOf(texts: readonly GivenText[], { type }: Datastore): Promise<readonly Identity[]> {
  const { identitiesIn } = await import('./identities.ts');
  return identitiesIn(texts, type);
}

/** The global AS, asked for only where a column of a node shows it. */
async function contextFor(datastore: Datastore, output: Output, nodes: boolean): Promise<CellContext> {
  const shows =
    (output.is === 'table' && output.wide) ||
    (output.is === 'columns' && output.columns.some(({ heading }) => heading.toUpperCase() === 'ASN'));
  return { globalAsNumber: shows && nodes ? await globalAsNumber(datastore) : undefined };
}

/** Undefined where it is kept from us, or wrong. @throws E_DATASTORE_UNREACHABLE, E_DATASTORE_TLS */
async function globalAsNumber(datastore: Datastore): Promise<number | undefined> {
  const { parseAsNumber, DEFAULT_AS_NUMBER } = await import('../../model/as-number.ts');
  try {
    const { spec } = await datastore.get('BGPConfiguration', 'default');
    return spec.asNumber === undefined || spec.asNumber === null
      ? DEFAULT_AS_NUMBER
      : parseAsNumber(spec.asNumber);
  } catch (error) {
    const code = error instanceof CalicoRrError ? error.code : undefined;
    if (code === 'E_DATASTORE_UNREACHABLE' || code === 'E_DATASTORE_TLS') throw error;
    return code === 'E_NOT_FOUND' ? DEFAULT_AS_NUMBER : undefined;
  }
}

function failedToGet(error: unknown, program: ProgramName): unknown {
  if (error instanceof CommandFailure || !(error instanceof CalicoRrError)) return error;
  const text = error.code === 'E_USAGE' ? error.message : `Failed to get resources: ${error.message}`;
  const status = program === 'calicoctl' ? 1 : error.exitCode;
  return new CommandFailure(withHints(text, hintsOf([error], program)), status, error);
}
