/** The client against servers that answer as etcd documents it, in the cases that a real etcd rarely shows. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { suite, test } from 'node:test';
import { CalicoRrError, type ErrorCode } from '../../model/errors.ts';
import type { EtcdV2Client } from './api.ts';
import { createEtcdV2Client } from './client.ts';
import { hasCalicoDataV2, reflectorKeysInV2 } from './etcd-v2.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface FakeMember {
  readonly url: string;
  readonly asked: string[];
  close(): Promise<void>;
}

async function member(handler: Handler): Promise<FakeMember> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(response: ServerResponse, status: number, body: unknown, index = 7): void {
  response.writeHead(status, { 'x-etcd-index': String(index), 'x-etcd-cluster-id': 'c1' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const node = { key: '/a', value: 'x', modifiedIndex: 5, createdIndex: 5 };

async function withMembers(
  handlers: readonly Handler[],
  use: (client: EtcdV2Client, members: readonly FakeMember[]) => Promise<void>,
): Promise<void> {
  const members = await Promise.all(handlers.map(member));
  const client = createEtcdV2Client({
    endpoints: members.map((one) => one.url),
    username: 'calico',
    password: 'a secret',
  });
  try {
    await use(client, members);
  } finally {
    await client.close();
    await Promise.all(members.map((one) => one.close()));
  }
}

async function fails(promise: Promise<unknown>, code: ErrorCode, about: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof CalicoRrError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, about);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /a secret/);
    return true;
  });
}

suite('the etcd v2 client', () => {
  test('a read asks for a quorum and says where in the history it was made', () =>
    withMembers([(_, response) => answer(response, 200, { action: 'get', node })], async (client, [one]) => {
      const read = await client.get('/a b/c', { recursive: true });
      assert.deepEqual([read.index, read.clusterId, read.node?.value], [7, 'c1', 'x']);
      assert.deepEqual(one?.asked, ['GET /v2/keys/a%20b/c?quorum=true&recursive=true']);
    }));

  test('a missing key is nothing, with an index', () =>
    withMembers(
      [(_, response) => answer(response, 404, { errorCode: 100, message: 'Key not found', index: 7 })],
      async (client) =>
        assert.deepEqual(await client.get('/a'), { index: 7, clusterId: 'c1', node: undefined }),
    ));

  test('a redirect is followed, with the user', async () => {
    let user: string | undefined;
    const leader = await member((request, response) => {
      user = request.headers.authorization;
      answer(response, 200, { action: 'get', node });
    });
    try {
      await withMembers(
        [(request, response) => response.writeHead(307, { location: `${leader.url}${request.url}` }).end()],
        async (client) => assert.equal((await client.get('/a')).node?.value, 'x'),
      );
      assert.equal(user, `Basic ${Buffer.from('calico:a secret').toString('base64')}`);
    } finally {
      await leader.close();
    }
  });

  test('a redirect in a circle ends', () =>
    withMembers([(request, response) => response.writeHead(307, { location: request.url }).end()], (client) =>
      fails(client.get('/a'), 'E_DATASTORE_REPLY', /circle/),
    ));

  test('a read goes on to the next member where one has no leader, and stays there', () =>
    withMembers(
      [
        (_, response) => answer(response, 500, { errorCode: 301, message: 'During Leader Election' }),
        (_, response) => answer(response, 200, { action: 'get', node }),
      ],
      async (client, [one, two]) => {
        await client.get('/a');
        await client.get('/a');
        assert.equal(one?.asked.length, 1);
        assert.equal(two?.asked.length, 2);
      },
    ));

  test('a write that may have been done is not sent again', () =>
    withMembers(
      [
        (_, response) => response.destroy(),
        (_, response) => answer(response, 201, { action: 'create', node }),
      ],
      async (client, [, two]) => {
        await fails(
          client.put('/a', 'x', { prevExist: false }),
          'E_DATASTORE_UNREACHABLE',
          /\/a .*may have been done/,
        );
        assert.deepEqual(two?.asked, []);
      },
    ));

  test('a write goes to the next member where the first never got it', async () => {
    const gone = await member(() => undefined);
    await gone.close();
    const two = await member((_, response) => answer(response, 201, { action: 'create', node }));
    const client = createEtcdV2Client({ endpoints: [gone.url, two.url] });
    try {
      assert.equal((await client.put('/a', 'ä&=', { prevIndex: 3 })).done, true);
      assert.deepEqual(two.asked, ['PUT /v2/keys/a?prevIndex=3']);
    } finally {
      await client.close();
      await two.close();
    }
  });

  test('a condition that is not met is an outcome, not an error', () =>
    withMembers(
      [
        (_, response) =>
          answer(response, 412, { errorCode: 101, message: 'Compare failed', cause: '[3 != 4]' }),
      ],
      async (client) => {
        assert.deepEqual(await client.put('/a', 'x', { prevIndex: 3 }), { done: false, errorCode: 101 });
        assert.deepEqual(await client.delete('/a', { prevIndex: 3 }), { done: false, errorCode: 101 });
      },
    ));

  test('a refused user is named, and the password is not', () =>
    withMembers(
      [
        (_, response) =>
          answer(response, 401, { errorCode: 110, message: 'The request requires user authentication' }),
      ],
      (client) => fails(client.get('/a'), 'E_DATASTORE_AUTH', /"calico"/),
    ));

  test('a directory that is not empty is no refused user, although etcd says 403 to both', () =>
    withMembers(
      [(_, response) => answer(response, 403, { errorCode: 108, message: 'Directory not empty' })],
      async (client) =>
        assert.deepEqual(await client.delete('/a', { directory: true }), { done: false, errorCode: 108 }),
    ));

  test('an etcd without the v2 API says so, and has no data of Calico', () =>
    withMembers(
      [(_, response) => response.writeHead(404).end('404 page not found\n')],
      async (client, [one]) => {
        await fails(client.get('/a'), 'E_DATASTORE_REPLY', /does not serve the v2 API/);
        const endpoints = [one?.url ?? ''];
        assert.equal(await hasCalicoDataV2({ endpoints }), false);
        assert.deepEqual(await reflectorKeysInV2({ endpoints }), []);
      },
    ));

  test('a web page in the place of etcd is an error, not an empty datastore', () =>
    withMembers([(_, response) => response.end('<html>')], async (client, [one]) => {
      await fails(client.get('/a'), 'E_DATASTORE_REPLY', /127\.0\.0\.1/);
      await fails(hasCalicoDataV2({ endpoints: [one?.url ?? ''] }), 'E_DATASTORE_REPLY', /127\.0\.0\.1/);
    }));

  test('a poll tells where it stands, and an event', () =>
    withMembers(
      [
        (_, response) => {
          response.writeHead(200, { 'x-etcd-index': '9', 'x-etcd-cluster-id': 'c1' });
          response.flushHeaders();
          response.end(JSON.stringify({ action: 'expire', node: { ...node, value: undefined } }));
        },
      ],
      async (client, [one]) => {
        const places: unknown[] = [];
        const outcome = await client.poll('/a', {
          waitIndex: 5,
          quietMs: 60_000,
          signal: new AbortController().signal,
          onOpen: (place) => places.push(place) > 0,
        });
        assert.equal(outcome.is === 'event' && outcome.event.action, 'gone');
        assert.deepEqual(places, [{ index: 9, clusterId: 'c1' }]);
        assert.deepEqual(one?.asked, ['GET /v2/keys/a?wait=true&recursive=true&waitIndex=5']);
      },
    ));

  test('a poll that hears nothing is quiet after its time, and ends when it is aborted', () =>
    withMembers(
      [
        (_, response) => {
          response.writeHead(200, { 'x-etcd-index': '9', 'x-etcd-cluster-id': 'c1' });
          response.flushHeaders();
        },
      ],
      async (client) => {
        const quiet = { waitIndex: 5, quietMs: 1, signal: new AbortController().signal, onOpen: () => true };
        assert.deepEqual(await client.poll('/a', quiet), { is: 'quiet' });
        assert.deepEqual(await client.poll('/a', { ...quiet, onOpen: () => false }), { is: 'left' });
        const abort = new AbortController();
        const onOpen = (): boolean => {
          abort.abort();
          return true;
        };
        const aborted = client.poll('/a', { waitIndex: 5, quietMs: 60_000, signal: abort.signal, onOpen });
        await assert.rejects(aborted, { name: 'AbortError' });
      },
    ));

  test('a cleared history is said as such', () =>
    withMembers(
      [
        (_, response) =>
          answer(response, 400, {
            errorCode: 401,
            message: 'The event in requested index is outdated and cleared',
          }),
      ],
      async (client) => {
        const signal = new AbortController().signal;
        const outcome = await client.poll('/a', {
          waitIndex: 5,
          quietMs: 60_000,
          signal,
          onOpen: () => true,
        });
        assert.deepEqual(outcome, { is: 'cleared' });
      },
    ));
});
