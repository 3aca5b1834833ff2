import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { until } from '../../../../test/support/until.ts';
import { type Libc, loadLibc } from './libc.ts';
import { createSocketWriter } from './socket-writer.ts';
import { descriptorOf } from './tcp-wire.ts';

const PATIENCE_MS = 30_000;

function system(): Libc {
  const libc = loadLibc();
  if ('missing' in libc) throw new Error(libc.missing);
  return libc;
}

const server = createServer({ pauseOnConnect: true });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

/** Both ends of a connection; `theirs` reads nothing yet. */
async function connection(): Promise<{ readonly ours: Socket; readonly theirs: Socket }> {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const ours = connect(address.port, address.address);
  const theirs = await accepted;
  if (ours.connecting) await once(ours, 'connect');
  after(() => {
    ours.destroy();
    theirs.destroy();
  });
  return { ours, theirs };
}

for (const [way, libc] of [
  ['straight to the system', system()],
  ["through Node's stream", null],
] as const) {
  test(`${way}: a peer that does not read for a while gets every octet in its order`, async () => {
    const { ours, theirs } = await connection();
    const writer = createSocketWriter(ours, libc);
    let drained = 0;
    ours.on('drain', () => drained++);
    const written = createHash('sha256');
    let octets = 0;
    let writes = 0;
    /** One to three chunks, of up to 200,000 octets, no two alike. */
    const write = (): boolean => {
      writes++;
      const chunks = Array.from({ length: 1 + (writes % 3) }, (_, index) => {
        const chunk = new Uint8Array(1 + ((writes * 7_919 + index * 104_729) % 200_000)).fill(writes + index);
        written.update(chunk);
        octets += chunk.length;
        return chunk;
      });
      return writer.write(chunks);
    };
    while (write()) assert.ok(writes < 2_000, 'there is no end to what the system takes');
    assert.ok(writer.taken < octets);
    assert.equal(drained, 0);

    const read = createHash('sha256');
    let arrived = 0;
    let later = 0;
    theirs.on('data', (piece) => {
      read.update(piece);
      arrived += piece.length;
      // The system has room again before Node looks at what waits: this has to stand behind it all the same.
      if (later < 20) write();
      later++;
    });
    theirs.resume();
    await until(() => drained > 0 && arrived === octets, `${octets} octets to arrive`, PATIENCE_MS);
    assert.equal(read.copy().digest('hex'), written.copy().digest('hex'));
    assert.equal(writer.taken, octets);

    assert.equal(writer.write([Uint8Array.of(1)]), true, 'it does not take more again');
    await until(() => arrived === octets + 1, 'one octet more', PATIENCE_MS);
  });
}

test('what is written to a connection that has just been closed goes to nobody else', async () => {
  const { ours } = await connection();
  const writer = createSocketWriter(ours, system());
  assert.equal(writer.write([Uint8Array.of(1)]), true);
  const descriptor = descriptorOf(ours);
  ours.on('error', () => undefined);
  ours.destroy();
  const next = await connection();
  assert.ok(
    [next.ours, next.theirs].some((socket) => descriptorOf(socket) === descriptor),
    'the number is not used again',
  );
  writer.write([Uint8Array.of(2)]);
  const seen: number[] = [];
  for (const [one, other] of [
    [next.ours, next.theirs],
    [next.theirs, next.ours],
  ] as const) {
    one.on('data', (piece) => seen.push(...piece));
    one.resume();
    other.write(Uint8Array.of(3));
  }
  await until(() => seen.length >= 2, 'what was really sent', PATIENCE_MS);
  assert.deepEqual(seen, [3, 3]);
});

test('the last words of a peer that has reset the connection are read, though we write to it meanwhile', async () => {
  const { ours, theirs } = await connection();
  const errors: string[] = [];
  ours.on('error', ({ message }) => errors.push(message));
  const writer = createSocketWriter(ours, system());
  await new Promise((resolve) => theirs.write('last words', resolve));
  theirs.resetAndDestroy();
  await until(
    () => {
      assert.equal(writer.write([Uint8Array.of(1)]), true);
      return writer.reset;
    },
    'a write to fail',
    PATIENCE_MS,
  );
  assert.equal(writer.write([Uint8Array.of(2)]), true);
  let read = '';
  ours.on('data', (piece) => {
    read += String(piece);
  });
  await once(ours, 'close');
  assert.equal(read, 'last words');
  assert.deepEqual(errors, []);
});
