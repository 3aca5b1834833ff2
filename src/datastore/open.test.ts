import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import { findData, type Keyspaces } from './open.ts';

const etcd = { endpoints: ['http://a:1', 'http://b:1'] };
const unreachable = new CalicoRrError('E_DATASTORE_UNREACHABLE', 'etcd gives no answer at http://a:1.');

/** Keyspaces that answer one look after another; the last answer stays. */
function looks(...answers: readonly (readonly [v2: boolean, v3: boolean] | Error)[]): Keyspaces {
  const next = [0, 0];
  const look = async (which: 0 | 1): Promise<boolean> => {
    const answer = answers[Math.min(next[which] ?? 0, answers.length - 1)];
    next[which] = (next[which] ?? 0) + 1;
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer[which];
  };
  return { hasV2: () => look(0), hasV3: () => look(1) };
}

function find(keyspaces: Keyspaces, signal = new AbortController().signal) {
  const waits: string[] = [];
  const found = findData(etcd, keyspaces, { onWaiting: (reason) => waits.push(reason), signal }, 0);
  return { waits, found };
}

test('data in one keyspace decides', async () => {
  assert.equal(await find(looks([true, false])).found, 'etcdv2');
  assert.equal(await find(looks([false, true])).found, 'etcdv3');
});

test('data in both is refused with exit 2, naming both and the setting', async () => {
  await assert.rejects(find(looks([true, true])).found, (error) => {
    assert.ok(error instanceof CalicoRrError);
    assert.equal(error.code, 'E_DATASTORE_AMBIGUOUS');
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /v2.*v3.*DATASTORE_TYPE/);
    return true;
  });
});

test('data in neither is waited for, and each new reason told once', async () => {
  const { waits, found } = find(
    looks(unreachable, unreachable, [false, false], [false, false], [false, true]),
  );
  assert.equal(await found, 'etcdv3');
  assert.equal(waits.length, 2);
  assert.match(waits[0] ?? '', /no answer/);
  assert.match(waits[1] ?? '', /neither keyspace.*http:\/\/a:1,http:\/\/b:1/);
});

test('a refused password ends the looking', async () => {
  const refused = new CalicoRrError('E_DATASTORE_AUTH', 'no');
  await assert.rejects(find(looks(refused)).found, refused);
});

test('aborting ends the waiting', async () => {
  const abort = new AbortController();
  const { found } = find(looks([false, false]), abort.signal);
  abort.abort();
  await assert.rejects(found, { name: 'AbortError' });
});
