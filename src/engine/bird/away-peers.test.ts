import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { awayPeers } from './away-peers.ts';

const MINUTE = 60_000;
const rows = (states: Readonly<Record<string, boolean>>) => new Map(Object.entries(states));

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-away-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const open = (folder: string) => awayPeers(folder, (error) => assert.fail(String(error)));

test('a peer is away two minutes after it was last seen, until it is back, also for the next run', () =>
  inFolder(async (folder) => {
    const first = open(folder);
    await first.see(rows({ a: true, b: false, c: true }), 0);
    await first.see(rows({ a: true, b: false, c: false }), MINUTE);
    assert.deepEqual([...first.names()], []);
    await first.see(rows({ a: true, b: false, c: false }), 2 * MINUTE);
    assert.deepEqual([...first.names()], ['b']);
    await first.see(rows({ a: true, b: false, c: false }), 3 * MINUTE);
    assert.deepEqual([...first.names()], ['b', 'c']);

    const second = open(folder);
    await second.read();
    assert.deepEqual([...second.names()], ['b', 'c']);
    // Its clock begins anew, and one that was away still is.
    await second.see(rows({ a: false, b: true, c: false }), 0);
    assert.deepEqual([...second.names()], ['c']);
    await second.see(rows({ a: false, b: false, c: false }), MINUTE);
    await second.see(rows({ a: false, b: false, c: false }), 2 * MINUTE);
    assert.deepEqual([...second.names()].sort(), ['a', 'c']);
    // One that is configured no more is nobody.
    await second.see(rows({ a: false, b: true }), 2 * MINUTE);
    const third = open(folder);
    await third.read();
    assert.deepEqual([...third.names()], ['a']);
  }));

test('what was noted before another engine ran counts no more', () =>
  inFolder(async (folder) => {
    const first = open(folder);
    await first.see(rows({ a: false, b: false }), 0);
    await first.see(rows({ a: false, b: false }), 2 * MINUTE);
    for (const readFirst of [true, false]) {
      const second = open(folder);
      if (readFirst) await second.read();
      second.forget();
      await second.read();
      assert.deepEqual([...second.names()], []);
      await second.see(rows({ a: true, b: false }), 0);
      await second.see(rows({ a: true, b: false }), 2 * MINUTE);
      assert.deepEqual([...second.names()], ['b']);
    }
  }));

test('a note that cannot be read has nobody in it', () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'bird-away.json'), '{"version":1,"aw');
    const peers = open(folder);
    await peers.read();
    assert.deepEqual([...peers.names()], []);
  }));
