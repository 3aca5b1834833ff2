import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createReplyReader, type Reply } from './control-grammar.ts';
import { parseProtocols, parseRouteCounts, parseRoutes, parseStatus, sessionStateOf } from './replies.ts';

/** Replies to one request, in the order of a capture. */
function repliesTo(request: string, name: string): readonly Reply[] {
  const path = new URL(`../../../test/fixtures/bird/${name}`, import.meta.url);
  const parts = readFileSync(path, 'utf8').split(/^> /m);
  return parts
    .filter((part) => part.startsWith(`${request}\n`))
    .map((part) => {
      const reader = createReplyReader();
      const [event] = reader.push(part.slice(part.indexOf('\n') + 1)).filter((one) => one.type === 'reply');
      assert(event?.type === 'reply');
      return event.reply;
    });
}

const V2 = 'bird-2.0.12-session-1.txt';
const V2_MORE = 'bird-2.0.12-session-2.txt';
const V1 = 'bird-1.6.8-session-1.txt';

test('rows of both generations are read, with an empty Info and one of two parts', () => {
  const [second] = repliesTo('show protocols', V2);
  const [first] = repliesTo('show protocols', V1);
  assert(second !== undefined && first !== undefined);
  assert.deepEqual(
    parseProtocols(second).map((row) => [row.name, row.proto, row.state, row.info]),
    [
      ['device1', 'Device', 'up', ''],
      ['kernel1', 'Kernel', 'up', ''],
      ['c1', 'BGP', 'up', 'Established'],
      ['c3', 'BGP', 'up', 'Established'],
    ],
  );
  assert.equal(parseProtocols(first)[2]?.since, '00:34:00');
  const [more] = repliesTo('show protocols', V2_MORE);
  assert(more !== undefined);
  const refused = parseProtocols(more).find((row) => row.name === 'p_refused');
  assert.equal(refused?.info, 'Active Socket: Connection refused');
  assert.equal(refused === undefined ? '' : sessionStateOf(refused), 'Active');
});

test('a disabled session is Down, one that starts anew is Idle', () => {
  const row = { name: 'a', proto: 'BGP', since: '', info: '' };
  assert.equal(sessionStateOf({ ...row, state: 'down' }), 'Down');
  assert.equal(sessionStateOf({ ...row, state: 'start' }), 'Idle');
  assert.equal(sessionStateOf({ ...row, state: 'down', info: 'Error: No listening socket' }), 'Down');
});

test('show status tells the version, the router ID, and whether a reconfiguration is under way', () => {
  const states = repliesTo('show status', V2_MORE).map(parseStatus);
  assert.equal(states[0]?.version, '2.0.12');
  assert.equal(states[0]?.routerId, '172.31.0.2');
  assert.deepEqual(
    states.map((state) => state.reconfiguring),
    [false, true],
  );
});

test('show status tells a graceful restart recovery', () => {
  const reader = createReplyReader();
  const [event] = reader.push(
    '1000-BIRD 2.0.12\n1011-Router ID is 10.0.0.1\n0024-Graceful restart recovery in progress\n   Waiting for 1 channels to recover\n0013 Daemon is up and running\n',
  );
  assert(event?.type === 'reply');
  assert.equal(parseStatus(event.reply).recovering, true);
});

test('route counts are found in the details of both generations', () => {
  for (const name of [V1, V2]) {
    const [reply] = repliesTo('show protocols all c1', name);
    assert(reply !== undefined);
    assert.deepEqual([...parseRouteCounts(reply)], [['c1', { imported: 1, exported: 1 }]]);
  }
});

test('a further path of a network counts for the network above it', () => {
  const reader = createReplyReader();
  const [event] = reader.push(
    [
      '1007-Table master4:',
      ' 10.1.0.0/26          unreachable [Global_1 03:40:45.582 from 127.0.0.11] * (100) [i]',
      '                      unreachable [Mesh_2 03:40:45.582 from 127.0.0.12] (100) [i]',
      ' 10.2.0.0/26          blackhole [Global_2 03:40:45.582] * (100) [i]',
      '0000 \n',
    ].join('\n'),
  );
  assert(event?.type === 'reply');
  assert.deepEqual(parseRoutes(event.reply), [
    { prefix: '10.1.0.0/26', protocol: 'Global_1' },
    { prefix: '10.1.0.0/26', protocol: 'Mesh_2' },
    { prefix: '10.2.0.0/26', protocol: 'Global_2' },
  ]);
});
