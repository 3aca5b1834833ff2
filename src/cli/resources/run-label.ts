/** `label`: sets or removes labels of one resource. */
import { CalicoRrError } from '../../model/errors.ts';
import type { Resource } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, calicoText, failedToExecute, hintsOf, withHints } from './failure.ts';
import { type ChangeFlags, passGate } from './gate.ts';
import { kindOf } from './kinds.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { refuseNamespace } from './run-get.ts';
import { replacing } from './write-steps.ts';

export interface LabelFlags extends DatastoreFlags, ChangeFlags {
  readonly overwrite?: boolean;
  readonly remove?: boolean;
  readonly namespace?: string;
}

interface Step {
  readonly key: string;
  /** Absent: the label is to go. */
  readonly value?: string;
}

const TRIES = 10;
/** Keys and values of labels (Kubernetes, "Labels and Selectors"). */
const KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * @param words `key=value`, `key` with --remove, or `key-` as kubectl writes a removal
 * @throws CommandFailure
 */
export async function runLabel(
  kindWord: string,
  name: string,
  words: readonly string[],
  flags: LabelFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const { kind } = kindOf(kindWord);
    refuseNamespace(kind, flags.namespace);
    const steps = words.map((word) => stepOf(word, flags.remove === true));
    const datastore = await openForVerb(flags, program);
    try {
      for (let tries = 1; ; tries += 1) {
        const stored = await datastore.get(kind, name);
        const { labels, told } = relabelled(stored, steps, flags, `${kindWord} ${name}`);
        const after = { ...stored, metadata: { ...stored.metadata, labels } };
        if (tries === 1) {
          const step = await replacing(stored, after, datastore.type);
          if (!(await passGate([step], datastore, { flags, program, done: 'labelled' }))) return;
        }
        try {
          await datastore.update(after);
          process.stdout.write(`${told.join('\n')}\n`);
          return;
        } catch (error) {
          const lost = error instanceof CalicoRrError && error.code === 'E_CONFLICT';
          if (!lost || tries >= TRIES) throw error;
        }
      }
    } catch (error) {
      if (!(error instanceof CalicoRrError)) throw error;
      const text = calicoText(error, kind, name, 'Update');
      throw new CommandFailure(withHints(text, hintsOf([error], program)), 1, error);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

function stepOf(word: string, remove: boolean): Step {
  const equals = word.indexOf('=');
  if (remove || (equals < 0 && word.endsWith('-'))) {
    const key = word.replace(/-$/, '');
    if (equals >= 0)
      throw new CalicoRrError('E_USAGE', `"${word}" names a value, and --remove needs none.`, {
        hint: `label KIND NAME ${word.slice(0, equals)} --remove`,
      });
    return { key };
  }
  const key = word.slice(0, equals);
  const value = word.slice(equals + 1);
  if (equals < 1)
    throw new CalicoRrError('E_USAGE', `invalid label ${word}`, { hint: 'A label is KEY=VALUE.' });
  if (!KEY.test(key) || !VALUE.test(value))
    throw new CalicoRrError('E_USAGE', `invalid label ${word}`, {
      hint: 'Keys and values have up to 63 letters, digits, "-", "_" or "."; a key may have a prefix such as example.com/.',
    });
  return { key, value };
}

/** @throws CommandFailure where a label is there that shall not be overwritten, or is not there to be removed */
function relabelled(
  stored: Resource,
  steps: readonly Step[],
  flags: LabelFlags,
  what: string,
): { readonly labels: Readonly<Record<string, string>>; readonly told: readonly string[] } {
  const labels = new Map(Object.entries(stored.metadata.labels ?? {}));
  const told: string[] = [];
  const [kind, name] = what.split(' ');
  for (const { key, value } of steps) {
    const present = labels.has(key);
    if (value === undefined) {
      if (!present) throw new CommandFailure(`cannot remove label of ${what}, key ${key} does not exist`);
      labels.delete(key);
      told.push(`Successfully removed label ${key} from ${kind} ${name}`);
    } else if (present) {
      if (flags.overwrite !== true)
        throw new CommandFailure(
          `failed to update label of ${what}, key ${key} is already present. please use '--overwrite' to set a new value.`,
        );
      labels.set(key, value);
      told.push(`Successfully updated label ${key} on ${kind} ${name}`);
    } else {
      labels.set(key, value);
      told.push(`Successfully set label ${key} on ${kind} ${name}`);
    }
  }
  return { labels: Object.fromEntries(labels), told };
}
