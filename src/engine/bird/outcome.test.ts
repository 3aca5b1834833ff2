import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomes } from './outcome.ts';
import type { ProtocolRow } from './replies.ts';

const row = (state: string, since: string): ProtocolRow => ({
  name: 's',
  proto: 'BGP',
  state,
  since,
  info: '',
});
const block = (text: string, why = 'why'): ReadonlyMap<string, string> =>
  new Map([['s', `# ${why}\n${text}`]]);

const TABLE: readonly [string, ReturnType<typeof row>, ReturnType<typeof row>, string, string, string][] = [
  ['nothing happened', row('up', '1'), row('up', '1'), 'a', 'a', 'kept'],
  ['new settings, still up', row('up', '1'), row('up', '1'), 'a', 'b', 'changed'],
  ['BIRD rounds its time otherwise', row('up', '09:59:59.999'), row('up', '10:00:00.000'), 'a', 'a', 'kept'],
  [
    'BIRD was busy before it replied',
    row('up', '09:59:59.999'),
    row('up', '10:00:00.300'),
    'a',
    'b',
    'changed',
  ],
  ['the day ends in between', row('up', '23:59:59.999'), row('up', '00:00:00.001'), 'a', 'a', 'kept'],
  ['it was down for a second', row('up', '09:59:59.999'), row('up', '10:00:01.000'), 'a', 'b', 'restarted'],
  ['it went down', row('up', '1'), row('start', '2'), 'a', 'b', 'restarted'],
  ['it went down and is up again', row('up', '1'), row('up', '2'), 'a', 'b', 'restarted'],
  ['BIRD took an unchanged one down', row('up', '1'), row('start', '2'), 'a', 'a', 'restarted'],
  ['it came up by itself meanwhile', row('start', '1'), row('up', '2'), 'a', 'a', 'kept'],
  ['it came up by itself with new settings', row('start', '1'), row('up', '2'), 'a', 'b', 'changed'],
  ['it was not up and began anew', row('start', '1'), row('start', '2'), 'a', 'b', 'restarted'],
  ['an unchanged one that never comes up retries', row('start', '1'), row('start', '2'), 'a', 'a', 'kept'],
];

for (const [what, before, after, oldText, newText, expected] of TABLE) {
  test(`${what}: ${expected}`, () => {
    const result = outcomes(
      block(oldText),
      block(newText),
      new Map([['s', before]]),
      new Map([['s', after]]),
    );
    assert.equal(result.get('s'), expected);
  });
}

test('another reason for the same settings is no change: kept', () => {
  const rows = new Map([['s', row('up', '1')]]);
  assert.equal(outcomes(block('a', 'BGPPeer/x'), block('a', 'BGPPeer/y'), rows, rows).get('s'), 'kept');
});

test('a session that was not there is added, one that is gone is removed', () => {
  const none = new Map();
  assert.equal(outcomes(none, block('a'), none, new Map([['s', row('start', '1')]])).get('s'), 'added');
  assert.equal(outcomes(block('a'), none, new Map([['s', row('up', '1')]]), none).get('s'), 'removed');
});
