/**
 * The contract of the `Datastore` seam: one suite that every home passes on the real thing. A home brings a
 * `ContractHome`, which starts its servers and can fail them; the suite knows nothing of how a home stores things.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { CalicoRrError, type ErrorCode } from '../../src/model/errors.ts';
import { type Json, KINDS, type Kind, type Resource } from '../../src/model/resource.ts';
import { follow, type Watched } from './watched.ts';

export interface ContractHome {
  /** Opens the datastore the way a user does, over the link that can be cut. */
  open(): Promise<Datastore>;
  /** Opens it past that link: somebody else who writes meanwhile. */
  openAsOther(): Promise<Datastore>;
  /** Removes all data. */
  wipe(): Promise<void>;
  /** Stores a value of which no resource can be made. */
  putBroken(): Promise<{ readonly kind: Kind; readonly name: string }>;
  /** Makes a whole resource of it, under the same name. */
  mendBroken(): Promise<void>;
  removeBroken(): Promise<void>;
  /** Stores a resource with a field that nobody knows; `read` gives that field as it is stored now. */
  putUnknownField(): Promise<{
    readonly kind: Kind;
    readonly name: string;
    readonly value: Json;
    read(): Promise<Json>;
  }>;
  /** The server going away and coming back with its data. */
  readonly server?: { stop(): Promise<void>; start(): Promise<void> };
  /** The link between `open`'s clients and the server. */
  readonly link?: { cut(): void; hang(): void; restore(): void };
  /** Makes the server forget its history of changes, as it does by itself after a while. */
  readonly forgetHistory?: () => Promise<void>;
  /**
   * A resource is several keys here, written one after the other: where that is slow, it is told again with each of them.
   */
  readonly inPieces?: boolean;
  /** Kinds that cannot be written here, with or without a place to be read from. */
  readonly readOnly: readonly Kind[];
  close(): Promise<void>;
}

export function node(name: string, address: string, asNumber?: number): Resource {
  const bgp = asNumber === undefined ? { ipv4Address: address } : { ipv4Address: address, asNumber };
  return { apiVersion: KINDS.Node, kind: 'Node', metadata: { name }, spec: { bgp } };
}

export function reflector(name: string, spec: Resource['spec']): Resource {
  return { apiVersion: KINDS.RouteReflector, kind: 'RouteReflector', metadata: { name }, spec };
}

export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode, about?: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof CalicoRrError, `not one of ours: ${error}`);
    assert.equal(error.code, code, error.message);
    if (about !== undefined)
      assert.ok(error.message.includes(about), `${error.message} does not name ${about}`);
    return true;
  });
}

/** @param kind `server`: it can be away, cut off and forgetful, and is held to what that asks for */
export function datastoreContract(
  name: string,
  kind: 'server' | 'files',
  start: () => Promise<ContractHome>,
): void {
  suite(`${name} keeps the datastore contract`, () => {
    let home: ContractHome;
    const opened: Datastore[] = [];
    const followed: Watched[] = [];

    const open = async (): Promise<Datastore> => {
      const datastore = await home.open();
      opened.push(datastore);
      return datastore;
    };
    const openAsOther = async (): Promise<Datastore> => {
      const datastore = await home.openAsOther();
      opened.push(datastore);
      return datastore;
    };
    const followAll = (
      datastore: Datastore,
      kinds: readonly Kind[] = ['Node', 'RouteReflector'],
    ): Watched => {
      const watched = follow(datastore, kinds);
      followed.push(watched);
      return watched;
    };
    /** Waits until the watch has told of a resource made just now, and so of everything before it. */
    const settle = async (watched: Watched, writer: Datastore, sentinel: string): Promise<void> => {
      await writer.create(node(sentinel, '10.255.0.1/24'));
      await watched.until(() => watched.resources.has(`Node/${sentinel}`), `Node/${sentinel}`);
    };

    before(async () => {
      home = await start();
    });
    after(() => home?.close());
    afterEach(async () => {
      home.link?.restore();
      for (const watched of followed.splice(0)) await watched.stop();
      for (const datastore of opened.splice(0)) await datastore.close();
      await home.wipe();
    });

    test('an empty datastore lists nothing of any kind', async () => {
      const datastore = await open();
      for (const kind of Object.keys(KINDS).filter((key): key is Kind => key in KINDS))
        assert.deepEqual(await datastore.list(kind), { resources: [], broken: [], warnings: [] }, kind);
    });

    test('what is created is read back, with a version', async () => {
      const datastore = await open();
      const created = await datastore.create(node('n1', '10.0.0.1/24', 64513));
      assert.equal(created.metadata.name, 'n1');
      assert.match(created.metadata.resourceVersion ?? '', /./);
      const read = await datastore.get('Node', 'n1');
      assert.deepEqual(read, created);
      assert.deepEqual(Object.keys(read.spec), ['bgp']);
      assert.equal(read.apiVersion, KINDS.Node);
    });

    test('a list is sorted by name and holds one kind', async () => {
      const datastore = await open();
      for (const name of ['n2', 'n10', 'n1']) await datastore.create(node(name, '10.0.0.1/24'));
      await datastore.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
      const listing = await datastore.list('Node');
      assert.deepEqual(
        listing.resources.map((resource) => resource.metadata.name),
        ['n1', 'n10', 'n2'],
      );
      assert.deepEqual(listing.broken, []);
      assert.deepEqual((await datastore.list('BGPPeer')).resources, []);
    });

    test('creating what exists says E_EXISTS and changes nothing', async () => {
      const datastore = await open();
      await datastore.create(node('n1', '10.0.0.1/24'));
      await rejectsWith(datastore.create(node('n1', '10.0.0.2/24')), 'E_EXISTS', 'n1');
      assert.deepEqual((await datastore.get('Node', 'n1')).spec, { bgp: { ipv4Address: '10.0.0.1/24' } });
    });

    test('getting, updating, patching and deleting what is not there says E_NOT_FOUND', async () => {
      const datastore = await open();
      await rejectsWith(datastore.get('Node', 'nobody'), 'E_NOT_FOUND', 'nobody');
      await rejectsWith(datastore.patch('Node', 'nobody', { spec: {} }), 'E_NOT_FOUND', 'nobody');
      await rejectsWith(datastore.delete('Node', 'nobody'), 'E_NOT_FOUND', 'nobody');
      const made = await datastore.create(node('gone', '10.0.0.1/24'));
      await datastore.delete('Node', 'gone');
      await rejectsWith(datastore.update(made), 'E_NOT_FOUND', 'gone');
    });

    test('an update of the present version is stored and gets a new version', async () => {
      const datastore = await open();
      const first = await datastore.create(node('n1', '10.0.0.1/24'));
      const second = await datastore.update({ ...first, spec: { bgp: { ipv4Address: '10.0.0.2/24' } } });
      assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
      assert.deepEqual(await datastore.get('Node', 'n1'), second);
      assert.deepEqual(second.spec, { bgp: { ipv4Address: '10.0.0.2/24' } });
    });

    test('an update of an older version says E_CONFLICT and changes nothing', async () => {
      const datastore = await open();
      const other = await openAsOther();
      const first = await datastore.create(node('n1', '10.0.0.1/24'));
      await other.patch('Node', 'n1', { spec: { bgp: { ipv4Address: '10.0.0.2/24' } } });
      await rejectsWith(
        datastore.update({ ...first, spec: { bgp: { ipv4Address: '10.0.0.3/24' } } }),
        'E_CONFLICT',
        'n1',
      );
      assert.deepEqual((await datastore.get('Node', 'n1')).spec, { bgp: { ipv4Address: '10.0.0.2/24' } });
    });

    test('a patch merges: it sets, and null removes', async () => {
      const datastore = await open();
      await datastore.create(node('n1', '10.0.0.1/24', 64513));
      await datastore.patch('Node', 'n1', { spec: { bgp: { ipv6Address: 'fd00::1/64', asNumber: null } } });
      assert.deepEqual((await datastore.get('Node', 'n1')).spec, {
        bgp: { ipv4Address: '10.0.0.1/24', ipv6Address: 'fd00::1/64' },
      });
    });

    test('patches made at the same time are all kept', async () => {
      const datastore = await open();
      const other = await openAsOther();
      await datastore.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
      await Promise.all(
        ['a', 'b', 'c', 'd'].map((label, index) =>
          (index % 2 === 0 ? datastore : other).patch('RouteReflector', 'rr1', {
            metadata: { labels: { [label]: 'yes' } },
          }),
        ),
      );
      assert.deepEqual((await datastore.get('RouteReflector', 'rr1')).metadata.labels, {
        a: 'yes',
        b: 'yes',
        c: 'yes',
        d: 'yes',
      });
    });

    test('a delete of an older version says E_CONFLICT, of the present one it deletes', async () => {
      const datastore = await open();
      const first = await datastore.create(node('n1', '10.0.0.1/24'));
      const second = await datastore.patch('Node', 'n1', { spec: { bgp: { ipv4Address: '10.0.0.2/24' } } });
      const stale = { resourceVersion: first.metadata.resourceVersion ?? '' };
      await rejectsWith(datastore.delete('Node', 'n1', stale), 'E_CONFLICT', 'n1');
      await datastore.delete('Node', 'n1', { resourceVersion: second.metadata.resourceVersion ?? '' });
      await rejectsWith(datastore.get('Node', 'n1'), 'E_NOT_FOUND');
    });

    test('a reflector of both families is one resource, and goes as one', async () => {
      const datastore = await open();
      const spec = {
        ipv4: '10.0.0.9',
        ipv6: 'fd00::9',
        clusterID: '1.0.0.1',
        asNumber: 64512,
        group: 'west',
      };
      await datastore.create(reflector('rr1', spec));
      assert.deepEqual((await datastore.get('RouteReflector', 'rr1')).spec, spec);
      assert.equal((await datastore.list('RouteReflector')).resources.length, 1);
      await datastore.delete('RouteReflector', 'rr1');
      assert.deepEqual((await datastore.list('RouteReflector')).resources, []);
    });

    test('what a reflector reports of itself is stored and read back', async () => {
      const datastore = await open();
      const report: Resource = {
        apiVersion: KINDS.RouteReflectorStatus,
        kind: 'RouteReflectorStatus',
        metadata: { name: 'rr1' },
        spec: {},
        status: { established: 7, peers: ['10.0.0.1'] },
      };
      await datastore.create(report);
      await datastore.patch('RouteReflectorStatus', 'rr1', { status: { established: 8 } });
      const read = await datastore.get('RouteReflectorStatus', 'rr1');
      assert.deepEqual(read.status, { established: 8, peers: ['10.0.0.1'] });
      assert.equal((await datastore.list('RouteReflector')).resources.length, 0);
    });

    test('a field that nobody knows survives read, patch, write', async () => {
      const datastore = await open();
      const unknown = await home.putUnknownField();
      await datastore.patch(unknown.kind, unknown.name, { metadata: { labels: { rack: '7' } } });
      assert.deepEqual((await datastore.get(unknown.kind, unknown.name)).metadata.labels, { rack: '7' });
      assert.deepEqual(await unknown.read(), unknown.value);
    });

    test('a broken value is set aside and named; the others are listed', async () => {
      const datastore = await open();
      await datastore.create(node('n1', '10.0.0.1/24'));
      await datastore.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
      const bad = await home.putBroken();
      const listing = await datastore.list(bad.kind);
      assert.deepEqual(
        listing.broken.map(({ kind, name }) => ({ kind, name })),
        [bad],
      );
      assert.equal(listing.broken[0]?.problem.severity, 'error');
      assert.equal((await datastore.list('Node')).resources.length, 1);
      assert.equal((await datastore.list('RouteReflector')).resources.length, 1);
      await rejectsWith(datastore.get(bad.kind, bad.name), 'E_INVALID_RESOURCE', bad.name);
    });

    test('a kind that cannot be written says E_READ_ONLY', async () => {
      const datastore = await open();
      for (const kind of home.readOnly) {
        assert.deepEqual((await datastore.list(kind)).resources, [], kind);
        const resource = { apiVersion: KINDS[kind], kind, metadata: { name: 'x' }, spec: {} };
        await rejectsWith(datastore.create(resource), 'E_READ_ONLY', kind);
      }
    });

    test('a watch tells a snapshot and then every change in order', async () => {
      const datastore = await open();
      await datastore.create(node('n1', '10.0.0.1/24'));
      const watched = followAll(datastore);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      assert.deepEqual([...watched.resources.keys()], ['Node/n1']);

      await datastore.create(node('n2', '10.0.0.2/24'));
      await watched.until(() => watched.resources.has('Node/n2'), 'Node/n2');
      const changed = await datastore.patch('Node', 'n1', { spec: { bgp: { ipv4Address: '10.0.0.9/24' } } });
      await watched.until(
        () => watched.resources.get('Node/n1')?.metadata.resourceVersion === changed.metadata.resourceVersion,
        'the new version of Node/n1',
      );
      await datastore.delete('Node', 'n2');
      await watched.until(() => !watched.resources.has('Node/n2'), 'the deletion of Node/n2');
      await datastore.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
      await watched.until(() => watched.resources.has('RouteReflector/rr1'), 'RouteReflector/rr1');
      assert.equal(watched.snapshots, 1);
      assert.deepEqual(watched.resources.get('Node/n1'), await datastore.get('Node', 'n1'));
      const told = watched.told();
      assert.equal(told.filter((line) => line === 'delete Node/n2').length, 1);
      assert.ok(told.indexOf('put Node/n2') < told.indexOf('delete Node/n2'));
    });

    test('a watch tells nothing of kinds that were not asked for', async () => {
      const datastore = await open();
      const watched = followAll(datastore, ['Node']);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      await datastore.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
      await settle(watched, datastore, 'sentinel');
      assert.deepEqual([...watched.resources.keys()], ['Node/sentinel']);
    });

    test('a watch tells a broken value as broken, a mended one as whole, a removed one as deleted', async () => {
      const datastore = await open();
      const watched = followAll(datastore);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      const bad = await home.putBroken();
      const key = `${bad.kind}/${bad.name}`;
      await watched.until(() => watched.broken.has(key), `broken ${key}`);
      await home.mendBroken();
      await watched.until(() => watched.resources.has(key), key);
      assert.equal(watched.broken.has(key), false);
      await home.putBroken();
      await watched.until(() => watched.broken.has(key), `broken ${key} again`);
      await home.removeBroken();
      await watched.until(() => !watched.broken.has(key), `${key} to be gone`);
    });

    test('two watches of one datastore each tell everything', async () => {
      const datastore = await open();
      const one = followAll(datastore, ['Node']);
      const other = followAll(datastore, ['RouteReflector']);
      await one.until(() => one.snapshots === 1, 'a snapshot');
      await other.until(() => other.snapshots === 1, 'the other snapshot');
      await one.stop();
      await datastore.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
      await other.until(() => other.resources.has('RouteReflector/rr1'), 'RouteReflector/rr1');
    });

    test('aborting ends the iteration, before the first event as well', async () => {
      const datastore = await open();
      const watched = followAll(datastore);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      await watched.stop();
      const abort = new AbortController();
      abort.abort();
      for await (const event of datastore.watch(['Node'], { signal: abort.signal }))
        assert.fail(`an aborted watch told ${event.type}`);
    });

    test('closing leaves no timer and no socket behind', async () => {
      const before = resourceCounts();
      const datastore = await home.open();
      const watched = follow(datastore, ['Node', 'RouteReflector']);
      await watched.until(() => watched.snapshots === 1, 'the snapshot');
      await datastore.create(node('n1', '10.0.0.1/24'));
      await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
      await watched.stop();
      await datastore.close();
      const deadline = Date.now() + 60_000;
      for (;;) {
        const left = leftOver(before, resourceCounts());
        if (left.length === 0) return;
        assert.ok(Date.now() < deadline, `left behind: ${left.join(', ')}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });

    if (kind === 'server') faults(() => home, open, openAsOther, followAll, settle);
  });
}

type Settle = (watched: Watched, writer: Datastore, sentinel: string) => Promise<void>;

/** What must hold when the server or the way to it fails. */
function faults(
  homeNow: () => ContractHome,
  open: () => Promise<Datastore>,
  openAsOther: () => Promise<Datastore>,
  followAll: (datastore: Datastore, kinds?: readonly Kind[]) => Watched,
  settle: Settle,
): void {
  const told = (watched: Watched): string[] =>
    homeNow().inPieces === true ? [...new Set(watched.told())] : watched.told();

  /** Three nodes watched; then, while the watch hears nothing, one changes, one goes, one comes. */
  const gap = async (lose: () => void, regain: () => void | Promise<void>): Promise<void> => {
    const datastore = await open();
    const other = await openAsOther();
    for (const index of [1, 2, 3]) await other.create(node(`n${index}`, `10.0.0.${index}/24`));
    await other.create(reflector('rr1', { ipv4: '10.0.0.9', clusterID: '1.0.0.1' }));
    const watched = followAll(datastore);
    await watched.until(() => watched.resources.size === 4, 'the snapshot');
    lose();
    await other.patch('Node', 'n1', { spec: { bgp: { ipv4Address: '10.0.1.1/24' } } });
    await other.delete('Node', 'n2');
    await other.create(node('n4', '10.0.0.4/24'));
    await regain();
    await watched.until(() => watched.resources.has('Node/n4'), 'Node/n4');
    await settle(watched, other, 'sentinel');
    assert.deepEqual(told(watched).sort(), [
      'delete Node/n2',
      'put Node/n1',
      'put Node/n4',
      'put Node/sentinel',
    ]);
    assert.deepEqual(watched.resources.get('Node/n1'), await other.get('Node', 'n1'));
    assert.equal(watched.snapshots, 1);
  };

  const abilities = (): Required<Pick<ContractHome, 'server' | 'link' | 'forgetHistory'>> => {
    const { server, link, forgetHistory } = homeNow();
    assert.ok(server !== undefined && link !== undefined && forgetHistory !== undefined, 'a server can fail');
    return { server, link, forgetHistory };
  };

  test('a server restart is no change; what changes later is told', async () => {
    const { server } = abilities();
    const datastore = await open();
    await datastore.create(node('n1', '10.0.0.1/24'));
    const watched = followAll(datastore);
    await watched.until(() => watched.snapshots === 1, 'the snapshot');
    await server.stop();
    await watched.until(() => watched.connections.at(-1) === false, 'word of the lost connection');
    await server.start();
    await watched.until(() => watched.connections.at(-1) === true, 'word of the connection regained');
    assert.deepEqual(watched.told(), []);
    await settle(watched, datastore, 'sentinel');
    assert.deepEqual(told(watched), ['put Node/sentinel']);
  });

  test('a request to a server that is away says E_DATASTORE_UNREACHABLE and where it is', async () => {
    const { server } = abilities();
    const datastore = await open();
    await server.stop();
    try {
      await rejectsWith(datastore.list('Node'), 'E_DATASTORE_UNREACHABLE', '127.0.0.1');
    } finally {
      await server.start();
    }
  });

  test('a watch begun while the server is away tells its snapshot when the server comes', async () => {
    const { server } = abilities();
    const other = await openAsOther();
    await other.create(node('n1', '10.0.0.1/24'));
    await server.stop();
    const watched = followAll(await open());
    try {
      await watched.until(() => watched.connections.at(-1) === false, 'word of the missing connection');
      assert.equal(watched.snapshots, 0);
    } finally {
      await server.start();
    }
    await watched.until(() => watched.snapshots === 1, 'the snapshot');
    assert.deepEqual([...watched.resources.keys()], ['Node/n1']);
    assert.equal(watched.connections.at(-1), true);
  });

  test('aborting a watch whose server is away ends it', async () => {
    const { server } = abilities();
    await server.stop();
    try {
      const watched = followAll(await open());
      await watched.until(() => watched.connections.at(-1) === false, 'word of the missing connection');
      await watched.stop();
    } finally {
      await server.start();
    }
  });

  test('after a cut connection exactly what changed meanwhile is told', async () => {
    const { link } = abilities();
    await gap(
      () => link.cut(),
      () => link.restore(),
    );
  });

  test('after a connection that hung exactly what changed meanwhile is told', async () => {
    const { link } = abilities();
    await gap(
      () => link.hang(),
      () => link.restore(),
    );
  });

  test('after the server forgot its history exactly what changed is told, and nothing as deleted', async () => {
    const { link, forgetHistory } = abilities();
    await gap(
      () => link.cut(),
      async () => {
        await forgetHistory();
        link.restore();
      },
    );
  });

  test('a cut in which nothing changed tells nothing', async () => {
    const { link, forgetHistory } = abilities();
    const datastore = await open();
    const other = await openAsOther();
    await other.create(node('n1', '10.0.0.1/24'));
    const watched = followAll(datastore);
    await watched.until(() => watched.snapshots === 1, 'the snapshot');
    link.cut();
    await watched.until(() => watched.connections.at(-1) === false, 'word of the lost connection');
    await forgetHistory();
    link.restore();
    await watched.until(() => watched.connections.at(-1) === true, 'word of the connection regained');
    await settle(watched, other, 'sentinel');
    assert.deepEqual(told(watched), ['put Node/sentinel']);
  });
}

function resourceCounts(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Kinds of handles of which there are more than before; those of the test runner itself are left out. */
function leftOver(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string[] {
  return ['Timeout', 'TCPSocketWrap', 'TLSWrap', 'FSEventWrap', 'StatWatcher', 'TCPConnectWrap']
    .filter((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0))
    .map((name) => `${(now.get(name) ?? 0) - (before.get(name) ?? 0)} ${name}`);
}
