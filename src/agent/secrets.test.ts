import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import { openSecrets } from './secrets.ts';

function secretsFile(
  text: string,
  mode = 0o600,
): { path: string; write: (text: string) => void; end: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'crr-secrets-'));
  const path = join(folder, 'secrets.yaml');
  const write = (content: string) => {
    writeFileSync(path, content);
    chmodSync(path, mode);
  };
  write(text);
  return { path, write, end: () => rmSync(folder, { recursive: true }) };
}

test('a name, a NAME/KEY and a nested key are found', () => {
  const file = secretsFile('edge: "pass one"\nbgp/rack: two\nsecret: {key: three}\n');
  const secrets = openSecrets(file.path);
  assert.deepEqual(secrets.lookUp('edge'), { found: true, value: 'pass one' });
  assert.deepEqual(secrets.lookUp('bgp/rack'), { found: true, value: 'two' });
  assert.deepEqual(secrets.lookUp('secret/key'), { found: true, value: 'three' });
  file.end();
});

test('JSON is read as well', () => {
  const file = secretsFile('{"edge": "one"}');
  assert.deepEqual(openSecrets(file.path).lookUp('edge'), { found: true, value: 'one' });
  file.end();
});

for (const mode of [0o640, 0o604, 0o644]) {
  test(`a file of mode ${mode.toString(8)} is refused with the command that mends it`, () => {
    const file = secretsFile('edge: one\n', mode);
    assert.throws(
      () => openSecrets(file.path),
      (error) =>
        error instanceof CalicoRrError && error.code === 'E_SECRETS' && /chmod 0600/.test(error.hint ?? ''),
    );
    file.end();
  });
}

test('a file that is not there is refused and named', () => {
  assert.throws(() => openSecrets('/nowhere/secrets.yaml'), /\/nowhere\/secrets\.yaml cannot be read/);
});

const BAD: readonly (readonly [string, string, RegExp])[] = [
  ['a double quotation mark', String.raw`edge: "hunter\"2"`, /double quotation mark/],
  ['a line end', String.raw`edge: "hunter\n2"`, /control character/],
  ['a tabulator', String.raw`edge: "hunter\t2"`, /control character/],
  ['81 bytes', `edge: "${'hunter2'.padEnd(81, 'x')}"`, /longer than 80 bytes/],
  ['81 bytes in fewer letters', `edge: "hunter2${'é'.repeat(37)}"`, /longer than 80 bytes/],
  ['a number', 'edge: 1234567', /is not text/],
  ['nothing', 'edge: ""', /is empty/],
];

for (const [what, text, reason] of BAD) {
  test(`a password of ${what} is refused, and the reason does not tell it`, () => {
    const file = secretsFile(`${text}\n`);
    const password = openSecrets(file.path).lookUp('edge');
    assert.equal(password.found, false);
    if (password.found) return;
    assert.equal(password.code, 'bad-password');
    assert.match(password.reason, reason);
    assert.doesNotMatch(password.reason, /hunter|1234567/);
    file.end();
  });
}

test('80 bytes are not too many', () => {
  const file = secretsFile(`edge: "${'x'.repeat(80)}"\n`);
  assert.equal(openSecrets(file.path).lookUp('edge').found, true);
  file.end();
});

test('a name that is not in the file is missing', () => {
  const file = secretsFile('edge: one\n');
  const password = openSecrets(file.path).lookUp('other');
  assert.equal(password.found === false && password.code, 'missing-password');
  file.end();
});

test('a file with a syntax error is refused without quoting its text', () => {
  const file = secretsFile('fine: one\nedge: "hunter2\n');
  assert.throws(
    () => openSecrets(file.path),
    (error) =>
      error instanceof CalicoRrError &&
      error.code === 'E_SECRETS' &&
      !/hunter2/.test(`${error.message} ${error.hint} ${String(error.cause)}`),
  );
  file.end();
});

test('a password that YAML takes for a tag is refused with its place, and told to nobody', () => {
  const file = secretsFile('fine: one\nedge: !hunter2 rest\n');
  assert.throws(
    () => openSecrets(file.path),
    (error) =>
      error instanceof CalicoRrError &&
      error.code === 'E_SECRETS' &&
      error.place?.line === 2 &&
      error.place.column === 7 &&
      /without quotes that is a YAML tag/.test(error.message) &&
      !/hunter2/.test(`${error.message} ${error.hint} ${String(error.cause)}`),
  );
  file.end();
});

test('after a reload a changed password is the new one', () => {
  const file = secretsFile('edge: one\n');
  const secrets = openSecrets(file.path);
  file.write('edge: two\n');
  assert.equal(secrets.reload(), true);
  assert.deepEqual(secrets.lookUp('edge'), { found: true, value: 'two' });
  assert.equal(secrets.reload(), false);
  file.end();
});

for (const [what, text] of [
  ['that is gone', 'other: one\n'],
  ['that turned bad', 'edge: ""\n'],
] as const) {
  test(`an entry ${what} keeps its last good password and is reported until it is back`, () => {
    const file = secretsFile('edge: one\n');
    const secrets = openSecrets(file.path);
    file.write(text);
    assert.equal(secrets.reload(), true);
    assert.deepEqual(secrets.lookUp('edge'), { found: true, value: 'one' });
    assert.match(secrets.problems()[0]?.message ?? '', /last good password stays in use/);
    file.write('edge: one\n');
    assert.equal(secrets.reload(), true);
    assert.deepEqual(secrets.problems(), []);
    file.end();
  });
}

test('a file that can no longer be read keeps every password and is reported', () => {
  const file = secretsFile('edge: one\n');
  const secrets = openSecrets(file.path);
  rmSync(file.path);
  assert.equal(secrets.reload(), true);
  assert.deepEqual(secrets.lookUp('edge'), { found: true, value: 'one' });
  assert.match(secrets.problems()[0]?.message ?? '', /stay in use/);
  file.end();
});
