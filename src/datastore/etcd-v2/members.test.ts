import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMembers } from './members.ts';

test('the member that answered last is asked first', () => {
  const members = createMembers(['a', 'b', 'c'], () => 0);
  assert.deepEqual(members.order(), ['a', 'b', 'c']);
  members.succeeded('b');
  assert.deepEqual(members.order(), ['b', 'a', 'c']);
});

test('a member that failed is asked last, and again when its time is over', () => {
  let now = 0;
  const members = createMembers(['a', 'b'], () => now);
  members.succeeded('a');
  members.failed('a');
  assert.deepEqual(members.order(), ['b', 'a']);
  now = 1_001;
  assert.deepEqual(members.order(), ['a', 'b']);
  members.failed('a');
  now += 1_001;
  assert.deepEqual(members.order(), ['b', 'a'], 'each failure in a row costs more time');
});

test('with all members failed, the one whose time is over first is asked first', () => {
  let now = 0;
  const members = createMembers(['a', 'b'], () => now);
  members.failed('a');
  now = 10;
  members.failed('b');
  assert.deepEqual(members.order(), ['a', 'b']);
});
