import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS_WITH_EXAMPLES, verbsBelow } from './examples.ts';
import { makeProgram } from './program.ts';

/** The whole of what `--help` prints. */
function helpOf(verb: ReturnType<typeof makeProgram>): string {
  let text = '';
  verb.configureOutput({
    writeOut(part) {
      text += part;
    },
  });
  verb.outputHelp();
  return text;
}

for (const { path, verb } of verbsBelow(makeProgram())) {
  test(`calico-rr ${path} --help ends with an example that begins with its words`, () => {
    const [, examples] = helpOf(verb).split('\nExamples:\n');
    assert.ok(examples !== undefined, 'add one to src/cli/examples.ts, or to the help of the verb itself');
    assert.match(examples, new RegExp(`calico-rr ${path}( |$|\\n|\\))`));
  });
}

test('no examples are kept for a verb that there is none of', () => {
  const verbs = new Set(verbsBelow(makeProgram()).map(({ path }) => path));
  assert.deepEqual(
    VERBS_WITH_EXAMPLES.filter((path) => !verbs.has(path)),
    [],
  );
});
