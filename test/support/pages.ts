/**
 * Documentation that is run: the `sh` blocks of a Markdown page, in order. A comment before a block says how it is
 * run, and a `text` block right after it is what it prints. In that, … stands for anything within a line.
 *
 *     <!-- test: not run (why) -->    a block that nothing here can run
 *     <!-- test: background -->       it goes on while the next blocks run
 *     <!-- test: until it is so -->   run again until it prints that
 *     <!-- test: fails -->            it must end with another status than 0
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export type HowRun = 'run' | 'background' | 'until' | 'fails' | 'not run';

export interface Block {
  /** The heading above it. */
  readonly heading: string;
  readonly script: string;
  readonly how: HowRun;
  /** What it prints, where the page shows that. */
  readonly prints: string | undefined;
}

export interface Page {
  readonly title: string;
  /** Words of the page's first comment, such as `datastore=etcdv3`. */
  readonly settings: ReadonlyMap<string, string>;
  readonly blocks: readonly Block[];
}

const PARTS =
  /^##? (?<heading>.+)$|^<!-- test: (?<settings>\w+=.*) -->$|(?:^<!-- test: (?<note>.+) -->\n)?^```sh\n(?<script>[\s\S]*?)^```$(?:\n+```text\n(?<prints>[\s\S]*?)^```$)?/gm;

const NOTES: readonly (readonly [RegExp, HowRun])[] = [
  [/^not run \(/, 'not run'],
  [/background/, 'background'],
  [/^until/, 'until'],
  [/^fails/, 'fails'],
];

/** @throws Error for a note that says nothing of how to run */
export function readPage(file: string): Page {
  const text = readFileSync(file, 'utf8');
  const blocks: Block[] = [];
  let settings = new Map<string, string>();
  let heading = '';
  for (const { groups = {} } of text.matchAll(PARTS)) {
    heading = groups.heading ?? heading;
    if (groups.settings !== undefined) {
      settings = new Map(groups.settings.split(' ').map((word) => splitOnce(word)));
    }
    if (groups.script === undefined) continue;
    const { note, script, prints } = groups;
    const how = note === undefined ? 'run' : NOTES.find(([words]) => words.test(note))?.[1];
    if (how === undefined) throw new Error(`${file}: "${note}" does not say how to run a block`);
    blocks.push({ heading, script, how, prints });
  }
  return { title: /^# (.+)$/m.exec(text)?.[1] ?? file, settings, blocks };
}

function splitOnce(word: string): [string, string] {
  const [name = '', value = ''] = word.split('=');
  return [name, value];
}

/** Whether a program printed what a page shows. */
export function prints(shown: string, output: string): boolean {
  const pattern = shown
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*?');
  return new RegExp(`^${pattern}$`).test(withoutTrailingSpace(output));
}

export function assertPrints(shown: string, output: string): void {
  if (!prints(shown, output)) assert.equal(withoutTrailingSpace(output), shown.trim());
}

function withoutTrailingSpace(text: string): string {
  return text.trim().replace(/[ \t]+$/gm, '');
}
