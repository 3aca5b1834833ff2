import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearLimit } from './warnings.ts';

const SESSION = { name: 'Node_10_0_0_1', because: 'BGPPeer/all-to-rr' } as const;

test('a session that nears its limit is told of, and what will happen to it there', () => {
  const told = (held: number, overLimitSeconds: number | null): string | undefined =>
    nearLimit(SESSION, { most: 10, overLimitSeconds }, held)?.message;
  assert.equal(told(7, null), undefined);
  assert.equal(told(8, null), 'session Node_10_0_0_1 holds 8 routes of at most 10');
  assert.equal(
    told(10, null),
    'session Node_10_0_0_1 holds 10 routes of at most 10: further ones are refused',
  );
  assert.equal(
    told(10, 90),
    'session Node_10_0_0_1 holds 10 routes of at most 10: with one more it is closed for 90 s (--over-limit)',
  );
  assert.equal(nearLimit(SESSION, { most: null, overLimitSeconds: null }, 1_000_000), null);
});
