/**
 * What may stand where the cursor is, from the verbs themselves: their names, flags, the values that flags and arguments
 * take, kinds of resources, fields to explain, and names from the datastore. The shells' scripts (scripts.ts) only print it.
 */
import type { Argument, Command, Option } from 'commander';
import { fieldPaths } from '../explain/fields.ts';
import { RESOURCE_KINDS } from '../resources/kinds.ts';

export interface Candidate {
  readonly word: string;
  /** A few words on it; shells that can show them do. */
  readonly note?: string;
}

/** `files`: whatever the shell completes to files. */
export type Completion = readonly Candidate[] | 'files';

/** Names that only the datastore knows; each may fail, and then there are none. */
export interface Names {
  ofKind(alias: string): Promise<readonly string[]>;
  /** RouteReflectors and Nodes. */
  speakers(): Promise<readonly string[]>;
  reflectors(): Promise<readonly string[]>;
  clusterIds(): Promise<readonly string[]>;
}

/** The words typed so far, as the verbs would read them. */
export interface Typed {
  readonly verb: Command;
  /** Names of the verb and of those above it: `rr drain`. */
  readonly path: string;
  readonly operands: readonly string[];
  /** Values of flags, by their attribute name. */
  readonly flags: Readonly<Record<string, string>>;
  /** The flag that still wants its value. */
  readonly open: Option | undefined;
  /** True after `--`: nothing more is a flag. */
  readonly noFlags: boolean;
}

/** @param words all after the program's name, but the one at the cursor */
export function readTyped(program: Command, words: readonly string[]): Typed {
  let verb = program;
  const path: string[] = [];
  const operands: string[] = [];
  const flags: Record<string, string> = {};
  let open: Option | undefined;
  let noFlags = false;
  for (const word of words) {
    if (open !== undefined) {
      flags[open.attributeName()] = word;
      open = undefined;
    } else if (word === '--') noFlags = true;
    else if (word.startsWith('-') && word !== '-' && !noFlags) {
      const [name = '', ...value] = word.split('=');
      const option = optionOf(verb, name);
      if (option === undefined) continue;
      if (value.length > 0) flags[option.attributeName()] = value.join('=');
      else if (option.required) open = option;
    } else if (word === 'help' && operands.length === 0) {
      // `help VERB` is completed as the verb itself.
    } else {
      const below = operands.length === 0 ? verb.commands.find((one) => isCalled(one, word)) : undefined;
      if (below === undefined) operands.push(word);
      else {
        verb = below;
        path.push(below.name());
      }
    }
  }
  return { verb, path: path.join(' '), operands, flags, open, noFlags };
}

/** @param current the word at the cursor, as far as it is typed */
export async function complete(typed: Typed, current: string, names: Names): Promise<Completion> {
  const { verb, operands, open, noFlags } = typed;
  if (open !== undefined) {
    const values = await valuesOf(open, typed, names);
    return values === 'files' ? values : starting(current, values);
  }
  const assignment = /^(--[\w-]+)=(.*)$/.exec(current);
  if (assignment !== null && !noFlags) {
    const [, flag = '', value = ''] = assignment;
    const option = optionOf(verb, flag);
    const values = option === undefined ? [] : await valuesOf(option, typed, names);
    // The shell would complete the flag along with the path.
    if (values === 'files') return [];
    return starting(value, values).map(({ word, ...rest }) => ({ word: `${flag}=${word}`, ...rest }));
  }
  if (current.startsWith('-') && !noFlags) return starting(current, flagsOf(verb));
  const verbs = operands.length === 0 ? verbsOf(verb) : [];
  const values = await operandsAt(typed, names);
  if (values === 'files') return values;
  return starting(current, [...verbs, ...values]);
}

function isCalled(verb: Command, word: string): boolean {
  return verb.name() === word || verb.aliases().includes(word);
}

function optionOf(verb: Command, flag: string): Option | undefined {
  return verb.options.find(({ long, short }) => flag === long || flag === short);
}

function starting(current: string, values: readonly Candidate[]): readonly Candidate[] {
  return values.filter(({ word }) => word.startsWith(current));
}

function verbsOf(verb: Command): readonly Candidate[] {
  return verb
    .createHelp()
    .visibleCommands(verb)
    .map((one) => ({ word: one.name(), note: firstOf(one.description()) }));
}

function flagsOf(verb: Command): readonly Candidate[] {
  return verb
    .createHelp()
    .visibleOptions(verb)
    .flatMap(({ long, short, description }) =>
      [long, short].flatMap((flag) => (flag == null ? [] : [{ word: flag, note: firstOf(description) }])),
    );
}

/** The clause that says what it is. */
function firstOf(description: string): string {
  return description.split(/[:;(]/)[0]?.trim() ?? '';
}

const OUTPUTS = ['yaml', 'json', 'wide', 'name', 'custom-columns=', 'jsonpath='];

async function valuesOf(option: Option, typed: Typed, names: Names): Promise<Completion> {
  const placeholder = /[<[]([^>\]]*)[>\]]/.exec(option.flags)?.[1] ?? '';
  const parts = placeholder.split('|');
  if (parts.some((part) => /FILE|DIR|PATH/.test(part))) return 'files';
  if (parts.length > 1 && parts.every((part) => /^[a-z][\w-]*$/.test(part))) return wordsOf(parts);
  switch (option.attributeName()) {
    case 'output':
      return wordsOf(typed.path === 'get' ? OUTPUTS : ['json']);
    case 'type':
      return wordsOf(typed.path === 'patch' ? ['strategic', 'merge', 'json'] : []);
    case 'logLevel':
      return wordsOf(['trace', 'debug', 'info', 'warn', 'error']);
    case 'node':
    case 'client':
      return wordsOf(await names.ofKind('node'));
    case 'clusterId':
      return wordsOf(await names.clusterIds());
    default:
      return [];
  }
}

async function operandsAt(typed: Typed, names: Names): Promise<Completion> {
  const { verb, operands, path } = typed;
  const args = verb.registeredArguments;
  const last = args.at(-1);
  const argument = args[operands.length] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return [];
  switch (argument.name()) {
    case 'KIND':
      return kinds();
    case 'KIND[.FIELD]':
      return wordsOf(fieldPaths());
    case 'NAME':
      return wordsOf(await namesFor(typed, names));
    case 'SPEAKER':
    case 'PEER':
      return wordsOf(await names.speakers());
    case 'OLD':
    case 'NEW':
      return wordsOf(await names.clusterIds());
    case 'verb':
      return verbsOf(verb.parent ?? verb);
    default:
      return path.startsWith('config') && argument.name() === 'VALUE'
        ? wordsOf(operands[0]?.toLowerCase() === 'nodetonodemesh' ? ['on', 'off'] : [])
        : choicesOf(argument);
  }
}

/** `[on|off]` and `<as>` say what may stand there. */
function choicesOf(argument: Argument): readonly Candidate[] {
  const parts = argument.name().split('|');
  return parts.every((part) => /^[a-z]+$/.test(part)) ? wordsOf(parts) : [];
}

const SETTINGS = ['nodeToNodeMesh', 'asNumber', 'logLevel'];

async function namesFor({ path, operands }: Typed, names: Names): Promise<readonly string[]> {
  if (path.startsWith('config ')) return SETTINGS;
  if (path.startsWith('rr ')) return names.reflectors();
  const [kind] = operands;
  if (kind === undefined) return names.speakers();
  const given = new Set(operands.slice(1));
  return (await names.ofKind(kind)).filter((name) => !given.has(name));
}

/** The usual name of each kind, and its plural: the shorter aliases are shorter than what completes to them. */
function kinds(): readonly Candidate[] {
  return RESOURCE_KINDS.flatMap(({ kind, aliases }) =>
    aliases.slice(0, 2).map((word) => ({ word, note: kind })),
  );
}

function wordsOf(words: readonly string[]): readonly Candidate[] {
  return words.map((word) => ({ word }));
}
