/**
 * The dialects for BIRD 1: what is rendered beside files that a person has read, and Debian's BIRD 1.6.8, its own
 * judge of it. Calico's fork is no Debian package: what only it knows is looked at as text, and the rest is BIRD 1.6's.
 * After a change that is meant: `UPDATE_GOLDENS=1 node --test test/contract/bird-dialects.test.ts`.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { checkFile } from '../../src/engine/bird/binary.ts';
import { type BirdFile, birdFiles, type Dialect, tunnelWarnings } from '../../src/engine/bird/dialects.ts';
import { CASES, dualStack } from './bird-cases.ts';

const goldens = fileURLToPath(new URL('../fixtures/bird/golden-1.6', import.meta.url));

/** Those that show everything once. All others are BIRD's to judge alone. */
const KEPT: readonly (readonly [string, Dialect])[] = [
  ['reflector-dual-stack', 'bird1'],
  ['reflector-external', 'bird1'],
  ['reflector-filters-pools', 'bird1'],
  ['node-reflecting', 'bird1'],
  ['node-tunnels', 'bird1'],
  ['node-tunnels', 'calico-bird'],
];

function filesOf(name: string, dialect: Dialect): readonly BirdFile[] {
  const found = CASES[name];
  assert(found !== undefined, `there is no case ${name}`);
  return birdFiles(found.config, { instance: 'rr1', ...found.options, dialect });
}

const goldenOf = (name: string, dialect: Dialect, file: BirdFile): string =>
  `${name}.${dialect}.${file.name}`;

describe('configurations for BIRD 1', () => {
  let folder = '';

  before(async () => {
    await prepareDebian(['bird1', 'bird1-6']);
    folder = mkdtempSync(join(tmpdir(), 'calico-rr-dialects-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function complaint(file: Pick<BirdFile, 'name' | 'family' | 'text'>): Promise<string | undefined> {
    const path = join(folder, file.name);
    writeFileSync(path, file.text);
    return (await checkFile(debianTools()[file.family === 6 ? 'bird1-6' : 'bird1'], path, folder))?.message;
  }

  for (const name of Object.keys(CASES)) {
    test(`BIRD 1.6 takes ${name}`, async () => {
      const files = filesOf(name, 'bird1');
      assert.ok(files.length > 0);
      for (const file of files) assert.equal(await complaint(file), undefined, file.name);
    });
  }

  for (const [name, dialect] of KEPT) {
    test(`${name} in the dialect ${dialect} is as it was read`, () => {
      for (const file of filesOf(name, dialect)) {
        const path = join(goldens, goldenOf(name, dialect, file));
        if (process.env.UPDATE_GOLDENS !== undefined) {
          mkdirSync(goldens, { recursive: true });
          writeFileSync(path, file.text);
        }
        assert.equal(file.text, readFileSync(path, 'utf8'));
      }
    });
  }

  test('every golden belongs to a case', () => {
    const expected = KEPT.flatMap(([name, dialect]) =>
      filesOf(name, dialect).map((file) => goldenOf(name, dialect, file)),
    );
    assert.deepEqual(readdirSync(goldens).sort(), expected.sort());
  });

  test('negative control: BIRD 1.6 refuses a file with one character too many, and the other family’s', async () => {
    const [v4, v6] = filesOf('reflector-dual-stack', 'bird1');
    assert(v4 !== undefined && v6 !== undefined);
    assert.match(
      (await complaint({ ...v4, text: v4.text.replace('multihop;', 'multihop 5 5;') })) ?? '',
      /syntax/,
    );
    assert.match((await complaint({ ...v6, family: 4 })) ?? '', /IPv6 addresses are not supported/);
  });

  test('there is a file for each family, named as Calico names them, and BIRD 2 has one for both', () => {
    const named = (name: string, dialect: Dialect) =>
      filesOf(name, dialect).map((file) => [file.name, file.family]);
    assert.deepEqual(named('reflector-dual-stack', 'bird1'), [
      ['bird.cfg', 4],
      ['bird6.cfg', 6],
    ]);
    assert.deepEqual(named('reflector-ipv6-only', 'bird1'), [['bird6.cfg', 6]]);
    assert.deepEqual(named('reflector-external', 'calico-bird'), [['bird.cfg', 4]]);
    assert.deepEqual(named('reflector-dual-stack', 'bird2'), [['bird.conf', null]]);
  });

  test('Calico’s fork is told of tunnels; apart from that it gets what BIRD 1.6 gets', () => {
    for (const name of Object.keys(CASES)) {
      const [fork, stock] = (['calico-bird', 'bird1'] as const).map((dialect) =>
        filesOf(name, dialect).map(({ text }) => text.replace(/^define calico_rr_digest.*$/m, '')),
      );
      if (name === 'node-tunnels') assert.notDeepEqual(fork, stock);
      else assert.deepEqual(fork, stock, name);
    }
  });

  test('a node’s tunnel: told of to Calico’s fork, left out and reported where BIRD is stock', () => {
    const config = CASES['node-tunnels']?.config;
    assert(config !== undefined);
    const [fork] = filesOf('node-tunnels', 'calico-bird');
    assert.match(
      fork?.text ?? '',
      /if source = RTS_BGP && net ~ \[ 10\.80\.0\.0\/16\+ \] then krt_tunnel = "tunl0";/,
    );
    assert.deepEqual(tunnelWarnings(config, { dialect: 'calico-bird', kernel: true }), []);
    assert.deepEqual(tunnelWarnings(config, { dialect: 'bird2', kernel: false }), []);
    for (const dialect of ['bird1', 'bird2'] as const) {
      const warnings = tunnelWarnings(config, { dialect, kernel: true });
      assert.deepEqual(
        warnings.map(({ subject }) => subject),
        ['IPPool/ipip', 'IPPool/crossing'],
      );
      assert.match(warnings[0]?.message ?? '', /^not honoured: IPIP pool 10\.80\.0\.0\/16 \(Always\)/);
      assert.match(
        warnings[1]?.message ?? '',
        /its routes beyond 10\.0\.0\.0\/24 are announced but not programmed/,
      );
      for (const { text } of filesOf('node-tunnels', dialect)) assert.doesNotMatch(text, /krt_tunnel/);
    }
  });

  test('promise 6: passwords are masked in every dialect unless they are given', () => {
    const session = dualStack.sessions.find((one) => one.password);
    assert(session !== undefined);
    const given = new Map([[session.name, 'correct horse']]);
    const text = (passwords?: ReadonlyMap<string, string>): string =>
      birdFiles(dualStack, { instance: 'rr1', dialect: 'bird1' }, passwords)
        .map((file) => file.text)
        .join('');
    assert.match(text(), /password "\*{8}";/);
    assert.match(text(given), /password "correct horse";/);
  });
});
