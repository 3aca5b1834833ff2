import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shutdownText } from './shutdown-text.ts';

test('at most 128 bytes are used and no character is cut', () => {
  const text = shutdownText('ü'.repeat(100));
  assert.equal(text, 'ü'.repeat(64));
  assert.equal(shutdownText(`a${'ü'.repeat(100)}`), `a${'ü'.repeat(63)}`);
});

test('what BIRD’s command line cannot hold is replaced', () => {
  assert.equal(shutdownText('say "bye"\nnow'), "say 'bye' now");
});
