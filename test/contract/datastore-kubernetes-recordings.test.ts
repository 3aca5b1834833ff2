/**
 * The stand-in API server answers as a real one did: every recording of test/fixtures/kube-api is asked again, in the
 * order in which they were made, and status and meaning must be the same. Left out of the comparison are only what
 * differs from run to run (UIDs, times, managedFields) and the recordings that are listed here with a reason.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { isJsonObject, parseJson } from '../../src/model/json.ts';
import type { Json, JsonObject } from '../../src/model/resource.ts';
import { stalled, tooManyRequests } from '../standin/kubernetes/refusals.ts';
import { type StandIn, startStandIn } from '../standin/kubernetes/server.ts';

const FOLDER = new URL('../fixtures/kube-api/', import.meta.url);

/** Not asked again, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'bgppeer-apply-200-noop.json': 'no server-side apply: calico-rr does not use it',
  'bgppeer-apply-conflict-409.json': 'no server-side apply: calico-rr does not use it',
  '(no body) etcd-stalled-list-quorum':
    'hangs for a minute; what clients do then is in datastore-kubernetes-faults',
  'etcd-stalled-readyz-verbose.txt': 'the stand-in has no health checks to name',
  'readyz-500.txt': 'the stand-in does not start up slowly',
  'watch-cut-by-apiserver-stop.ndjson': 'a stopping server: in datastore-kubernetes-faults',
};
/** Compared by status and by the names in them: documents that list far more than is stood in. */
const ROUGH = new Set([
  'version.json',
  'discovery-api-v1.json',
  'discovery-apis.json',
  'discovery-crd-v1.json',
  'nodes-list-table.json',
]);
/** What the recorded server was asked to do by server-side apply, done by other means so that later rows fit. */
const APPLIED: Readonly<Record<string, { method: string; body: string }>> = {
  'bgppeer-apply-201.json': {
    method: 'POST',
    body: '{"metadata":{"name":"applied"},"spec":{"peerIP":"10.9.9.9","asNumber":65009}}',
  },
  'bgppeer-apply-force.json': { method: 'PATCH', body: '{"spec":{"asNumber":65010}}' },
};

/** Of another holder. */
const LEASE_TAKEN = { holderIdentity: 'b', leaseTransitions: 1, renewTime: '2026-01-01T00:00:20.000000Z' };

interface Row {
  readonly file: string;
  readonly status: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function readIndex(): readonly Row[] {
  const [, ...lines] = readFileSync(new URL('index.tsv', FOLDER), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [file = '', status = '', asked = ''] = line.split('\t');
    const match = /^(\S+) (\S+)(?: \[([^\]]+)\])?(?: body=(.*?))?(?: \([^()]*\))?$/.exec(asked);
    const [, method = '', path = '', header = '', body = ''] = match ?? [];
    const [name = '', value = ''] = header.split(': ');
    const headers = name === '' ? {} : { [name.toLowerCase()]: value };
    return { file, status: Number(status), method, path, headers, body };
  });
}

/** Who asks in which recording; the administrator in all others. */
const ASKED_BY: Readonly<Record<string, string | undefined>> = {
  'auth-401.json': 'of-nobody',
  'auth-anonymous-403.json': undefined,
  'rbac-403-list.json': 'of-rr-user',
  'rbac-403-patch.json': 'of-rr-user',
  'rbac-403-watch.json': 'of-rr-user',
  'ssar-denied.json': 'of-rr-user',
};

suite('the stand-in API server answers as the recorded one', () => {
  const rows = readIndex();
  const isWatch = (row: Row): boolean => row.file.startsWith('watch-') && row.file.endsWith('.ndjson');
  const live = new Set([
    ...['watch-nodes-partialmetadata', 'watch-nodes-no-rv', 'watch-nodes-from-rv0'],
    ...['watch-nodes-labelselector-leaves', 'watch-bgppeers-add-modify-delete'],
    ...['watch-nodes-add-modify-delete', 'watch-node-fieldselector'],
  ]);
  const isLive = (row: Row): boolean => live.has(row.file.replace('.ndjson', ''));
  let standIn: StandIn;
  let compared = 0;

  before(async () => {
    standIn = await startStandIn({
      firstVersion: 276,
      tokens: {
        'of-admin': { name: 'admin', groups: [] },
        'of-rr-user': { name: 'rr-user', groups: [] },
      },
      rules: (user) => (user.name === 'admin' ? undefined : []),
    });
  });
  after(() => standIn.stop());

  const ask = (row: Pick<Row, 'file' | 'method' | 'path' | 'headers' | 'body'>): Promise<Answer> => {
    const token = row.file in ASKED_BY ? ASKED_BY[row.file] : 'of-admin';
    return send(`${standIn.url}${row.path}`, row.method, row.body, {
      ...row.headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    });
  };
  const stored = async (path: string): Promise<JsonObject> =>
    objectOf((await ask({ file: '', method: 'GET', path, headers: {}, body: '' })).body);

  /** The bodies that were made from an answer and not recorded. */
  const putBody = async (row: Row): Promise<string> => {
    const object = await stored(row.path);
    const metadata = objectOf(object.metadata);
    const spec = objectOf(object.spec);
    switch (row.file) {
      case 'bgppeer-put-200.json':
        return JSON.stringify({ ...object, spec: { ...spec, asNumber: 64996 } });
      case 'lease-put-200.json':
        return JSON.stringify({ ...object, spec: { ...spec, ...LEASE_TAKEN } });
      case 'bgppeer-put-missing-rv-422.json':
        return JSON.stringify({ ...object, metadata: { ...metadata, resourceVersion: undefined } });
      default:
        return JSON.stringify({ ...object, metadata: { ...metadata, resourceVersion: '1' } });
    }
  };

  const before410 = async (row: Row): Promise<() => void> => {
    if (row.file === 'watch-nodes-410-too-old.ndjson') standIn.store.restartCache();
    if (row.file === 'nodes-list-continue-expired-410.json') standIn.store.compact();
    if (row.file === 'etcd-stalled-patch.json') return standIn.intervene(stalled);
    if (row.file === 'too-many-requests-429.txt') return standIn.intervene(() => tooManyRequests(1));
    return () => undefined;
  };

  for (const row of rows) {
    if (row.file in LEFT_OUT || isLive(row)) continue;
    test(`${row.file}: ${row.method} ${row.path.slice(0, 80)}`, async () => {
      const applied = APPLIED[row.file];
      if (applied !== undefined) {
        const path = applied.method === 'POST' ? row.path.replace(/\/applied.*/, '') : row.path;
        const headers = { 'content-type': 'application/merge-patch+json' };
        const done = await ask({ ...row, ...applied, path, headers });
        assert.ok(done.code < 300, done.body);
        compared += 1;
        return;
      }
      const done = await before410(row);
      const body = row.body.startsWith('@') ? await putBody(row) : row.body;
      const path = row.path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=1');
      const answer = await ask({ ...row, path, body });
      done();
      assert.equal(answer.code, row.status, answer.body);
      let recorded = readFileSync(new URL(row.file, FOLDER), 'utf8');
      // The recorded server was started anew a few times on the way here and wrote to its store each time.
      if (row.file === 'etcd-stalled-list-rv0.json') recorded = recorded.replace('"319"', '"316"');
      if (isWatch(row)) assert.deepEqual(eventsOf(answer.body), eventsOf(recorded));
      else if (ROUGH.has(row.file)) assertContains(recorded, answer.body);
      else if (row.file.endsWith('.txt')) assert.equal(answer.body.trim(), recorded.trim());
      else assert.deepEqual(meaningOf(answer.body), meaningOf(recorded));
      if (row.file === 'bgppeer-create-unknownfield-warn-201.json')
        assert.deepEqual(answer.warnings, ['299 - "unknown field \\"spec.asNumbr\\""']);
      compared += 1;
      if (row.file === 'event-create-201.json') await watchLive();
    });
  }

  /** The watches that ran side by side while objects came, changed and went. */
  const watchLive = async (): Promise<void> => {
    const running = rows.filter(isLive).map((row) => {
      const since = /resourceVersion=305/.test(row.path);
      assert.ok(since || /partial|no-rv|rv0/.test(row.file));
      return {
        row,
        answer: ask({ ...row, path: row.path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=3') }),
      };
    });
    while (standIn.openWatches < running.length) await new Promise((resolve) => setImmediate(resolve));
    const patch = { 'content-type': 'application/merge-patch+json' };
    const write = (method: string, path: string, body: Json | undefined): Promise<Answer> =>
      ask({ file: '', method, path, headers: patch, body: body === undefined ? '' : JSON.stringify(body) });
    const node6 = rows.find((row) => row.file === 'node-create-node5.json')?.body.replaceAll('5', '6') ?? '';
    const steps: readonly (readonly [string, string, Json | undefined])[] = [
      // A version that something else used up.
      ['POST', '/api/v1/namespaces/default/events', { metadata: { name: 'other' } }],
      ['POST', '/api/v1/nodes', parseJson(node6)],
      ['PATCH', '/api/v1/nodes/node6', { metadata: { labels: { 'route-reflector': 'true' } } }],
      ['PATCH', '/api/v1/nodes/node2', { metadata: { labels: { 'route-reflector': null } } }],
      ['DELETE', '/api/v1/nodes/node6', undefined],
      ['POST', `${PEERS}`, { metadata: { name: 'w1' }, spec: { peerIP: '10.1.1.1', asNumber: 65101 } }],
      ['PATCH', `${PEERS}/w1`, { spec: { asNumber: 65102 } }],
      ['DELETE', `${PEERS}/w1`, undefined],
    ];
    for (const [method, path, body] of steps) {
      const { code, body: said } = await write(method, path, body);
      assert.ok(code < 300, `${method} ${path}: ${said}`);
    }
    for (const { row, answer } of running) {
      const recorded = readFileSync(new URL(row.file, FOLDER), 'utf8');
      assert.deepEqual(eventsOf((await answer).body), eventsOf(recorded), row.file);
      compared += 1;
    }
  };

  test('every recording was compared but those that are left out by name', () => {
    assert.equal(compared, rows.length - Object.keys(LEFT_OUT).length);
    assert.ok(rows.length > 100);
  });
});

const PEERS = '/apis/crd.projectcalico.org/v1/bgppeers';

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly warnings: readonly string[];
}

function send(
  url: string,
  method: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    const asked = request(url, { method, agent: false, headers: { ...headers, ...length } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const { warning } = answer.headers;
        const text = Buffer.concat(chunks).toString('utf8');
        const warnings = warning === undefined ? [] : [warning];
        resolve({ code: answer.statusCode ?? 0, body: text, warnings });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const CHANGING = new Set(['managedFields', 'uid', 'creationTimestamp']);

/** The value without what differs from run to run; items of lists by name, since caches keep no order. */
function meaningOf(text: string): Json {
  return strip(parseJson(text) ?? text);
}

function strip(value: Json): Json {
  if (Array.isArray(value)) return value.map(strip);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value)
    .filter(([key]) => !CHANGING.has(key))
    .map(([key, child]): [string, Json] => {
      const stripped = strip(child);
      // The server checks an object more than once and says each fault as often.
      return [key, key === 'items' ? byName(stripped) : key === 'causes' ? distinct(stripped) : stripped];
    });
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function distinct(list: Json): Json {
  if (!Array.isArray(list)) return list;
  return [...new Map(list.map((item) => [JSON.stringify(item), item])).values()];
}

function byName(items: Json): Json {
  if (!Array.isArray(items)) return items;
  const name = (item: Json): string => String(objectOf(objectOf(item).metadata).name);
  return [...items].sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

/** Type, name, version, labels and spec of each event; the ADDED ones that begin a watch by name, bookmarks once. */
function eventsOf(text: string): readonly Json[] {
  const events = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const event = objectOf(line);
      const object = objectOf(event.object);
      const {
        name = null,
        resourceVersion = null,
        labels = null,
        annotations = null,
      } = objectOf(object.metadata);
      const status = object.kind === 'Status' ? [object.reason ?? null, object.code ?? null] : null;
      const bookmark = event.type === 'BOOKMARK';
      const { kind = null, apiVersion = null, spec = null } = object;
      return {
        ...{ type: event.type ?? null, kind, apiVersion, name, resourceVersion, labels, annotations, status },
        spec: bookmark ? null : spec,
      };
    });
  const once = events.filter(
    (event, index) =>
      event.type !== 'BOOKMARK' || JSON.stringify(event) !== JSON.stringify(events[index - 1]),
  );
  const live = once.findIndex((event) => event.type !== 'ADDED');
  const begun = live < 0 ? once.length : live;
  const first = once.slice(0, begun).sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
  return [...first, ...once.slice(begun)];
}

/** Names, in whatever field, that the stand-in serves are named by the recording as well. */
function assertContains(recorded: string, answer: string): void {
  const names = (text: string): Set<string> =>
    new Set([...text.matchAll(/"name": ?"([^"]+)"/g)].map(([, name = '']) => name));
  const known = names(recorded);
  if (known.size === 0) return;
  const ours = [...names(answer)].filter((name) => !/calico-rr|^routereflector/.test(name));
  assert.ok(ours.length > 0);
  for (const name of ours)
    assert.ok(known.has(name) || name === 'Created At', `${name} is not in the recording`);
}

function objectOf(value: Json | undefined): JsonObject {
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  return isJsonObject(parsed) ? parsed : {};
}
