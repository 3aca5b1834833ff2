/** Runs a page of docs/how-to: a shell for each block, what it prints compared with what the page shows. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertPrints, type Block, type Page, prints, readPage } from './pages.ts';
import type { start } from './processes.ts';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the pages' variables stand for. */
export const HOW_TO_ADDRESSES = { RR1: '10.0.0.250', RR2: '10.0.0.251' } as const;

/** The nodes that a page's cluster begins with: n1 at 10.0.0.1, and so on. */
export function howToNodes(
  settings: ReadonlyMap<string, string>,
): readonly { readonly name: string; readonly ipv4: string }[] {
  const count = Number(settings.get('nodes') ?? 0);
  return Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    ipv4: `10.0.0.${index + 1}`,
  }));
}

/** What a shell printed: its standard output, and both streams. */
export interface Printed {
  readonly code: number | null;
  readonly stdout: string;
  readonly output: string;
}

/** How to call a shell for a page's commands. */
export type Shell = (script: string) => Promise<Printed>;

/** @param startProgram where the page's commands run */
export function shellIn(
  startProgram: typeof start,
  env: Readonly<Record<string, string>>,
  cwd: string,
): Shell {
  return async (script) => {
    const shell = await startProgram('bash', ['-euo', 'pipefail', '-c', script], { env, cwd });
    let stdout = '';
    shell.onLine((line) => {
      stdout += `${line}\n`;
    });
    const { code } = await shell.exit;
    return { code, stdout, output: shell.output() };
  };
}

export interface HowToPage extends Page {
  /** `mesh.md` */
  readonly name: string;
  /** Whether its commands start containers. */
  readonly containers: boolean;
}

export function howToPages(): readonly HowToPage[] {
  return globSync('docs/how-to/*.md', { cwd: ROOT })
    .sort()
    .map((file) => {
      const page = readPage(join(ROOT, file));
      const containers = page.blocks.some(({ script }) => /^docker /m.test(script));
      return { ...page, name: file.slice(file.lastIndexOf('/') + 1), containers };
    })
    .filter(({ blocks }) => blocks.length > 0);
}

/** Longest wait for what a reflector does in its own time. */
const UNTIL_MS = 60_000;

/** One test for each block of a page. `shell` is asked for when the first begins. */
export function testPage(page: HowToPage, shell: () => Promise<Shell>): void {
  let opened: Promise<Shell> | undefined;
  for (const [index, block] of page.blocks.entries()) {
    if (block.how === 'not run') continue;
    const first = block.script.split('\n')[0];
    test(`${page.name}, ${block.heading}, block ${index + 1}: ${first}`, async () => {
      opened ??= shell();
      await runBlock(await opened, block);
    });
  }
}

/** A page shows what goes to standard output, and where a command fails, what it says. */
async function runBlock(shell: Shell, { script, how, prints: shown }: Block): Promise<void> {
  if (how === 'until') {
    assert.ok(shown !== undefined, 'the page shows what is waited for');
    let last: Printed | undefined;
    await until(
      async () => {
        last = await shell(script);
        return prints(shown, last.stdout);
      },
      () => `what the page shows; it is:\n${last?.output}`,
      UNTIL_MS,
    );
    return;
  }
  const { code, stdout, output } = await shell(script);
  if (how === 'fails') assert.notEqual(code, 0, output);
  else assert.equal(code, 0, output);
  if (shown !== undefined) assertPrints(shown, how === 'fails' ? output : stdout);
}
