/**
 * What is wrong with the syntax of a YAML text, in words for people who write resources, with what to do about it. The
 * parser's own words stay where they are plain. Faults that follow from the one before are not told.
 */
import type { ErrorCode, YAMLError } from 'yaml';
import type { Place } from '../../model/errors.ts';

export interface SyntaxFault {
  readonly code: 'bad-yaml';
  readonly place: Place;
  readonly message: string;
  readonly hint?: string;
}

interface Words {
  /** Absent: the parser's. */
  readonly message?: string;
  readonly hint: string;
}

const WORDS: Readonly<Partial<Record<ErrorCode, Words>>> = {
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'This value is followed by fields of its own, or holds a colon and a blank',
    hint: 'Fields stand below a key that has no value, such as "metadata:" or "spec:"; text with ": " in it needs quotes.',
  },
  MULTILINE_IMPLICIT_KEY: {
    message: 'A field goes on in the next line before its colon',
    hint: 'Write "field: value" in one line, and give the fields of one mapping the same indent.',
  },
  TAB_AS_INDENT: { hint: 'Indent with blanks.' },
  BAD_INDENT: { hint: 'Give the fields of one mapping the same indent, in blanks.' },
  DUPLICATE_KEY: { hint: 'Keep one of the two.' },
  MISSING_CHAR: { hint: 'Close what was opened before this place: a quote, a bracket or a brace.' },
  BAD_SCALAR_START: { hint: 'Put the whole value in quotes.' },
  UNEXPECTED_TOKEN: { hint: 'Look at the quotes, brackets and colons just before this place.' },
};

/** These come again and again from one mistake. */
const TOLD_ONCE: ReadonlySet<ErrorCode> = new Set(['BLOCK_AS_IMPLICIT_KEY', 'MULTILINE_IMPLICIT_KEY']);

/**
 * @param errors those of one document
 * @param text the whole file
 */
export function syntaxFaults(
  errors: readonly YAMLError[],
  text: string,
  placeAt: (offset: number) => Place,
): readonly SyntaxFault[] {
  const told = new Set<ErrorCode>();
  return errors.flatMap((error): SyntaxFault[] => {
    const { code, pos } = error;
    const again = TOLD_ONCE.has(code) && [...TOLD_ONCE].some((one) => told.has(one));
    told.add(code);
    if (again) return [];
    const words = WORDS[code];
    const message = code === 'DUPLICATE_KEY' ? `${keyAt(text, pos[0])} stands here twice` : words?.message;
    return [
      {
        code: 'bad-yaml',
        place: placeAt(pos[0]),
        message: `${message ?? error.message}.`,
        ...(words === undefined ? {} : { hint: words.hint }),
      },
    ];
  });
}

function keyAt(text: string, offset: number): string {
  return /^["']?[^\s:"']+/.exec(text.slice(offset, offset + 80))?.[0].replace(/^["']/, '') ?? 'A key';
}
