import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ControlSocket, openControlSocket } from './control-socket.ts';

/** A socket that speaks first and then answers each line as `answer` says; a real daemon never misbehaves on order. */
async function withServer(
  greeting: string,
  answer: (line: string, socket: Socket) => void,
  work: (path: string, open: () => Promise<ControlSocket>) => Promise<void>,
  messages: string[] = [],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-control-'));
  const path = join(folder, 'ctl');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(greeting);
    let pending = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (pending + piece).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) answer(line, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await work(path, () => openControlSocket(path, (text) => messages.push(text), 20_000));
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

const GREETING = '0001 BIRD 2.0.12 ready.\n';

test('requests written at once get their own replies, in order, past spontaneous messages', async () => {
  const messages: string[] = [];
  await withServer(
    GREETING,
    (line, socket) => {
      socket.write('+Config timeout ');
      socket.write(`expired\n1000-${line}\n`);
      socket.write('0000 \n');
    },
    async (_path, open) => {
      const control = await open();
      assert.equal(control.version, '2.0.12');
      const replies = await Promise.all(['a', 'b', 'c'].map((line) => control.request(line)));
      assert.deepEqual(
        replies.map((reply) => reply.lines[0]?.text),
        ['a', 'b', 'c'],
      );
      control.close();
    },
    messages,
  );
  assert.deepEqual(messages, Array(3).fill('Config timeout expired'));
});

test('a request without an answer ends after its time, and the connection with it', () =>
  withServer(
    GREETING,
    () => {},
    async (_path, open) => {
      const control = await open();
      let closed = 0;
      control.onClose(() => {
        closed += 1;
      });
      await assert.rejects(control.request('show status', 20), {
        code: 'E_ENGINE_PROTOCOL',
        message: /no answer to "show status" within 20 ms/,
      });
      await assert.rejects(control.request('show status'), { code: 'E_ENGINE_PROTOCOL' });
      assert.equal(closed, 1);
    },
  ));

test('a daemon that goes away in the middle of a reply is told at once', () =>
  withServer(
    GREETING,
    (_line, socket) => {
      socket.end('1000-half of\n');
    },
    async (_path, open) => {
      const control = await open();
      await assert.rejects(control.request('show protocols'), {
        code: 'E_ENGINE_PROTOCOL',
        message: /closed .* before it answered "show protocols"/,
      });
    },
  ));

test('what is no BIRD is told by its greeting', () =>
  withServer(
    'SSH-2.0-OpenSSH_9.2\n',
    () => {},
    (_path, open) =>
      assert.rejects(open(), { code: 'E_ENGINE_PROTOCOL', message: /does not greet as BIRD does/ }),
  ));

test('a request that BIRD would hang up on is not sent', () =>
  withServer(
    GREETING,
    () => assert.fail('it was sent'),
    async (_path, open) => {
      const control = await open();
      await assert.rejects(control.request(`show route ${'x'.repeat(1000)}`), { message: /cannot be sent/ });
      await assert.rejects(control.request('show\ndown'), { message: /cannot be sent/ });
      control.close();
    },
  ));
