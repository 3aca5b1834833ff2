import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distance, nearestOf } from './spelling.ts';

const FIELDS = ['node', 'nodeSelector', 'peerIP', 'peerSelector', 'asNumber', 'localASNumber', 'clusterID'];

test('a mistyped word finds the one that was meant', () => {
  for (const [typed, meant] of [
    ['nodeSelctor', 'nodeSelector'],
    ['nodeselector', 'nodeSelector'],
    ['cluster_id', 'clusterID'],
    ['peerIp', 'peerIP'],
    ['asnumer', 'asNumber'],
    ['nod', 'node'],
  ] as const) {
    assert.equal(nearestOf(typed, FIELDS), meant, typed);
  }
});

test('a word that is far from all others finds none', () => {
  for (const typed of ['x', 'is', 'holdTime', 'description', '']) {
    assert.equal(nearestOf(typed, FIELDS), undefined, typed);
  }
});

test('the distance is the number of letters to put in, leave out or change', () => {
  assert.equal(distance('kitten', 'sitting'), 3);
  assert.equal(distance('', 'abc'), 3);
  assert.equal(distance('same', 'same'), 0);
});
