/**
 * The text that is rendered, beside files that a person has read, and BIRD's own judgement of it. After a change
 * that is meant: `UPDATE_GOLDENS=1 node --test test/contract/bird-goldens.test.ts`, and read the difference.
 */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { checkFile } from '../../src/engine/bird/binary.ts';
import { renderBird } from '../../src/engine/bird/bird-engine.ts';
import type { SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { CASES, dualStack, net } from './bird-cases.ts';
import { clientOf, reflectorOf } from './engine.ts';

const goldens = fileURLToPath(new URL('../fixtures/bird/golden', import.meta.url));

describe('rendered configurations', () => {
  let folder = '';

  before(async () => {
    await prepareDebian(['bird2']);
    folder = mkdtempSync(join(tmpdir(), 'calico-rr-golden-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function complaint(text: string): Promise<string | undefined> {
    const path = join(folder, 'bird.conf');
    writeFileSync(path, text);
    return (await checkFile(debianTools().bird2, path, folder))?.message;
  }

  for (const [name, { config, options }] of Object.entries(CASES)) {
    test(`${name} is as it was read, and BIRD takes it`, async () => {
      const text = renderBird(config, { instance: 'rr1', ...options });
      const path = join(goldens, `${name}.conf`);
      if (process.env.UPDATE_GOLDENS !== undefined) {
        mkdirSync(goldens, { recursive: true });
        writeFileSync(path, text);
      }
      assert(existsSync(path), `there is no ${path}`);
      assert.equal(text, readFileSync(path, 'utf8'));
      assert.equal(await complaint(text), undefined);
    });
  }

  test('negative control: BIRD refuses a golden with one character too many', async () => {
    const text = renderBird(dualStack, { instance: 'rr1' });
    assert.match((await complaint(text.replace('multihop;', 'multihop 5 5;'))) ?? '', /syntax error/);
  });

  test('every golden belongs to a case', () => {
    assert.deepEqual(
      readdirSync(goldens).sort(),
      Object.keys(CASES)
        .map((name) => `${name}.conf`)
        .sort(),
    );
  });

  test('promise 7: the same input gives the same bytes, whatever objects it comes in', () => {
    for (const { config, options } of Object.values(CASES)) {
      const settings = { instance: 'rr1', ...options };
      assert.equal(renderBird(structuredClone(config), settings), renderBird(config, settings));
    }
  });

  test('promise 7: one more session adds its block and changes nothing else but the digest', () => {
    const withoutDigest = (config: SpeakerConfig): string =>
      renderBird(config, { instance: 'rr1' }).replace(/^define calico_rr_digest.*$/m, '');
    const before = reflectorOf(net, [clientOf(net, 11), clientOf(net, 13)]);
    const after = { ...before, sessions: [clientOf(net, 11), clientOf(net, 12), clientOf(net, 13)] };
    const block = /# [^\n]*n12\)[^\n]*\nprotocol bgp Global_10_0_0_12 \{\n.*?^\}\n/ms;
    assert.match(withoutDigest(after), block);
    assert.equal(withoutDigest(after).replace(block, ''), withoutDigest(before));
  });

  test('promise 6: passwords are masked unless they are given', () => {
    const secret = 'correct horse';
    const session = dualStack.sessions.find((one) => one.password);
    assert(session !== undefined);
    const masked = renderBird(dualStack, { instance: 'rr1' });
    const shown = renderBird(dualStack, { instance: 'rr1' }, new Map([[session.name, secret]]));
    assert.match(masked, /password "\*{8}";/);
    assert(!masked.includes(secret));
    assert(shown.includes(`password "${secret}";`));
  });
});
