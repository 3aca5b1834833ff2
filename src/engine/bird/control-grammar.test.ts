import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ControlEvent, createReplyReader, type Reply, textsOf } from './control-grammar.ts';

const CAPTURES = [
  'bird-2.0.12-session-1.txt',
  'bird-2.0.12-session-2.txt',
  'bird-2.0.12-session-3.txt',
  'bird-1.6.8-session-1.txt',
];

/** A transcript of a real daemon: what was sent, and what came back, byte for byte. */
function capture(name: string): { readonly sent: readonly string[]; readonly received: string } {
  const path = new URL(`../../../test/fixtures/bird/${name}`, import.meta.url);
  const lines = readFileSync(path, 'utf8').split('\n').slice(1);
  const isSent = (line: string): boolean => line.startsWith('> ');
  const sent = lines.filter((line) => isSent(line) && !line.startsWith('> @')).map((line) => line.slice(2));
  return { sent, received: lines.filter((line) => !isSent(line)).join('\n') };
}

function read(pieces: readonly string[]): readonly ControlEvent[] {
  const reader = createReplyReader();
  return pieces.flatMap((piece) => reader.push(piece));
}

function repliesOf(events: readonly ControlEvent[]): readonly Reply[] {
  return events.flatMap((event) => (event.type === 'reply' ? [event.reply] : []));
}

for (const name of CAPTURES) {
  test(`every request of ${name} has one reply, and the greeting comes first`, () => {
    const { sent, received } = capture(name);
    const replies = repliesOf(read([received]));
    assert(sent.length > 5, 'the capture is empty');
    assert.equal(replies.length, sent.length + 1);
    assert.match(replies[0]?.text ?? '', /^BIRD \S+ ready\.$/);
  });

  test(`${name} reads the same however it is cut into pieces`, () => {
    const { received } = capture(name);
    const whole = read([received]);
    fc.assert(
      fc.property(fc.array(fc.nat(received.length), { maxLength: 40 }), (cuts) => {
        const ends = [...cuts].sort((a, b) => a - b);
        const pieces = [0, ...ends].map((from, index) =>
          received.slice(from, ends[index] ?? received.length),
        );
        assert.deepEqual(read(pieces), whole);
      }),
    );
  });
}

test('a spontaneous message is told apart from the reply that it interrupts', () => {
  const events = read(['1000-BIRD 2.0.12\n+Config timeout expired, starting undo\n0013 Daemon is up\n']);
  assert.deepEqual(events[0], { type: 'message', text: 'Config timeout expired, starting undo' });
  assert.equal(repliesOf(events)[0]?.lines.length, 2);
});

test('a continuation line carries the code of the line before', () => {
  const [reply] = repliesOf(read(['1002-a\n b\n1006-c\n d\n0000 \n']));
  assert(reply !== undefined);
  assert.deepEqual(textsOf(reply, 1002), ['a', 'b']);
  assert.deepEqual(textsOf(reply, 1006), ['c', 'd']);
  assert.equal(reply.code, 0);
});

test('a line of another grammar is an error that shows it', () => {
  assert.throws(() => read(['HTTP/1.1 400 Bad Request\r\n']), {
    code: 'E_ENGINE_PROTOCOL',
    message: /HTTP\/1\.1 400/,
  });
});
