import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isolate } from './isolate.ts';
import type { Section } from './render.ts';

/** A daemon that refuses texts holding BAD and names the line, or another line where it is told to mislead. */
function daemon(mislead: boolean) {
  return async (text: string) => {
    const line = text.split('\n').findIndex((one) => one.includes('BAD'));
    if (line < 0) return undefined;
    return { line: mislead ? text.split('\n').length : line + 1, message: `line ${line + 1} is bad` };
  };
}

function renderOf(sections: readonly Section[]) {
  return (without: ReadonlySet<string>) =>
    sections.filter((section) => section.owner === null || !without.has(section.owner));
}

test('just the refused sections are found, wherever BIRD points', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(29), { maxLength: 5 }), fc.boolean(), async (bad, mislead) => {
      const sections: Section[] = [
        { owner: null, text: 'router id 1.1.1.1;\n' },
        ...Array.from({ length: 30 }, (_, index) => ({
          owner: `s${index}`,
          text: `x\n${bad.includes(index) ? 'BAD' : 'fine'}\n`,
        })),
      ];
      const verdict = await isolate(renderOf(sections), daemon(mislead));
      assert(verdict.type === 'accepted');
      assert.deepEqual(
        verdict.culprits.map((culprit) => culprit.owner).sort(),
        bad.map((index) => `s${index}`).sort(),
      );
    }),
  );
});

test('a fault that belongs to no session is nobody’s', async () => {
  const sections: Section[] = [
    { owner: null, text: 'BAD\n' },
    { owner: 's1', text: 'fine\n' },
  ];
  assert.deepEqual(await isolate(renderOf(sections), daemon(false)), {
    type: 'refused',
    message: 'line 1 is bad',
  });
});

test('of two sections that clash, the one that BIRD points at goes', async () => {
  const sections: Section[] = ['a', 'b', 'c'].map((owner) => ({
    owner,
    text: `${owner === 'b' ? 'x' : 'one'}\n`,
  }));
  const check = async (text: string) => {
    const lines = text.split('\n');
    const second = lines.indexOf('one', lines.indexOf('one') + 1);
    return second < 0 ? undefined : { line: second + 1, message: 'defined twice' };
  };
  assert.deepEqual(await isolate(renderOf(sections), check), {
    type: 'accepted',
    culprits: [{ owner: 'c', message: 'defined twice' }],
  });
});

test('the number of checks is bounded', async () => {
  let checks = 0;
  const sections: Section[] = Array.from({ length: 500 }, (_, index) => ({
    owner: `s${index}`,
    text: 'BAD\n',
  }));
  const verdict = await isolate(renderOf(sections), async (text) => {
    checks += 1;
    return text.includes('BAD') ? { line: undefined, message: 'bad' } : undefined;
  });
  assert(checks < 450, `${checks} checks`);
  assert.equal(verdict.type, 'refused');
});
