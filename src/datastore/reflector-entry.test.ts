import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import type { Json, Resource } from '../model/resource.ts';
import { joinReflectorEntries, type ReflectorEntry } from './reflector-entry.ts';
import { type KeyWrite, planReflectorWrite } from './reflector-entry-write.ts';

let revision = 10;
function entry(path: string, value: Json | string): ReflectorEntry {
  revision += 1;
  return {
    key: `/calico/bgp/v1/${path}`,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    revision,
  };
}

function only(...entries: ReflectorEntry[]): Resource {
  const { resources, broken, warnings } = joinReflectorEntries(entries);
  assert.deepEqual(broken, []);
  assert.deepEqual(warnings, []);
  const [resource] = resources;
  assert.ok(resource !== undefined && resources.length === 1, `${resources.length} resources`);
  return resource;
}

suite('reading reflector entries', () => {
  test("the original image's entry is a reflector named by its address", () => {
    const resource = only({
      ...entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', cluster_id: '1.0.0.1' }),
      revision: 7,
    });
    assert.deepEqual(resource, {
      apiVersion: 'calico-rr.io/v1',
      kind: 'RouteReflector',
      metadata: { name: '10.0.0.1', resourceVersion: '7' },
      spec: { ipv4: '10.0.0.1', clusterID: '1.0.0.1' },
    });
  });

  test('every field of an entry stands in the resource, one that nobody knows included', () => {
    const resource = only(
      entry('rr_v4/10.0.0.1', {
        ip: '10.0.0.1',
        cluster_id: '1.0.0.1',
        as_num: '64512',
        name: 'rr1',
        labels: { rack: 7, edge: true },
        annotations: { note: 'x' },
        group: 'west',
        x_vendor: { deep: [1] },
        peers: [{ ip: '192.0.2.1', as_num: 65001, password_ref: 'tor', max_prefixes: 5, import: [], x: 1 }],
      }),
    );
    assert.equal(resource.metadata.name, 'rr1');
    assert.deepEqual(resource.metadata.labels, { rack: '7', edge: 'true' });
    assert.deepEqual(resource.metadata.annotations, { note: 'x' });
    assert.deepEqual(resource.spec, {
      ipv4: '10.0.0.1',
      clusterID: '1.0.0.1',
      asNumber: '64512',
      group: 'west',
      x_vendor: { deep: [1] },
      peers: [{ ip: '192.0.2.1', asNumber: 65001, passwordRef: 'tor', maxPrefixes: 5, import: [], x: 1 }],
    });
  });

  test('an absent and an empty cluster ID are the same', () => {
    assert.deepEqual(only(entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', cluster_id: '' })).spec, {
      ipv4: '10.0.0.1',
    });
  });

  test('an entry without ip goes by the address of its key', () => {
    assert.deepEqual(only(entry('rr_v6/FD00:0::1', { cluster_id: '1.0.0.1' })).spec, {
      ipv6: 'fd00::1',
      clusterID: '1.0.0.1',
    });
  });

  test('halves of one name are one reflector, whose version changes with either', () => {
    const four = entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', name: 'rr1', cluster_id: '1.0.0.1' });
    const six = entry('rr_v6/fd00::1', { ip: 'fd00::1', name: 'rr1', cluster_id: '1.0.0.1' });
    const both = only(six, four);
    assert.deepEqual(both.spec, { ipv4: '10.0.0.1', ipv6: 'fd00::1', clusterID: '1.0.0.1' });
    const versions = [
      [four, six],
      [four],
      [six],
      [{ ...four, revision: revision + 1 }, six],
      [four, { ...six, revision: revision + 2 }],
    ].map((entries) => only(...entries).metadata.resourceVersion);
    assert.equal(new Set(versions).size, versions.length);
  });

  test('an IPv6 entry joins an unnamed IPv4 entry by naming its address', () => {
    const resource = only(
      entry('rr_v4/10.0.0.1', { ip: '10.0.0.1' }),
      entry('rr_v6/fd00::1', { ip: 'fd00::1', name: '10.0.0.1' }),
    );
    assert.deepEqual(resource.spec, { ipv4: '10.0.0.1', ipv6: 'fd00::1' });
  });

  test('halves that differ are warned about, and the warning says which counts', () => {
    const { resources, warnings } = joinReflectorEntries([
      entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', name: 'rr1', cluster_id: '1.0.0.1' }),
      entry('rr_v6/fd00::1', { ip: 'fd00::1', name: 'rr1', cluster_id: '1.0.0.2', group: 'east' }),
    ]);
    assert.equal(resources[0]?.spec.clusterID, '1.0.0.1');
    assert.equal(resources[0]?.spec.group, 'east');
    assert.deepEqual(
      warnings.map(({ code, severity, subject }) => ({ code, severity, subject })),
      ['cluster_id', 'group'].map(() => ({
        code: 'conflict',
        severity: 'warning',
        subject: 'RouteReflector/rr1',
      })),
    );
    assert.match(warnings[0]?.message ?? '', /cluster_id .*"1\.0\.0\.1".*"1\.0\.0\.2".*rr_v4\/10\.0\.0\.1/);
    assert.match(warnings[1]?.message ?? '', /group .*rr_v6\/fd00::1 is used/);
  });

  test('peers of both halves are the peers of the reflector, each once', () => {
    const shared = { ip: '192.0.2.9', as_num: 1 };
    const resource = only(
      entry('rr_v4/10.0.0.1', { name: 'rr1', peers: [{ ip: '192.0.2.1', as_num: 1 }, shared] }),
      entry('rr_v6/fd00::1', { name: 'rr1', peers: [shared, { ip: '2001:db8::1', as_num: 1 }] }),
    );
    assert.deepEqual(
      resource.spec.peers,
      ['192.0.2.1', '192.0.2.9', '2001:db8::1'].map((ip) => ({ ip, asNumber: 1 })),
    );
  });

  test('where key and value name two addresses, the value counts and is warned about', () => {
    const { resources, warnings } = joinReflectorEntries([
      entry('rr_v4/10.0.0.1', { ip: '10.0.0.2', cluster_id: '1.0.0.1' }),
    ]);
    assert.equal(resources[0]?.spec.ipv4, '10.0.0.2');
    assert.equal(resources[0]?.metadata.name, '10.0.0.2');
    assert.equal(warnings[0]?.code, 'key-mismatch');
    assert.equal(warnings[0]?.subject, '/calico/bgp/v1/rr_v4/10.0.0.1');
  });

  test('two spellings of one address are no mismatch', () => {
    assert.equal(only(entry('rr_v6/FD00:0::1', { ip: 'fd00::1' })).metadata.name, 'fd00::1');
  });

  const bad: [string, Json | string, string][] = [
    ['text that is no JSON', '{"ip": "10.0.0.1"', 'bad-json'],
    ['an empty value', '', 'bad-json'],
    ['a JSON list', '[]', 'bad-json'],
    ['an empty ip', { ip: '' }, 'bad-address'],
    ['an ip that is no address', { ip: '10.0.0.256' }, 'bad-address'],
    ['an ip that is a number', { ip: 1 }, 'bad-address'],
    ['an ip with a length', { ip: '10.0.0.1/24' }, 'bad-address'],
    ['an ip of the other family', { ip: 'fd00::1' }, 'bad-address'],
  ];
  for (const [what, value, code] of bad)
    test(`${what} is set aside under the address of its key, and the others go on`, () => {
      const { resources, broken } = joinReflectorEntries([
        entry('rr_v4/10.0.0.1', value),
        entry('rr_v4/10.0.0.2', { ip: '10.0.0.2' }),
      ]);
      assert.deepEqual(
        broken.map(({ kind, name, problem }) => ({ kind, name, code: problem.code })),
        [{ kind: 'RouteReflector', name: '10.0.0.1', code }],
      );
      assert.deepEqual(
        resources.map((resource) => resource.metadata.name),
        ['10.0.0.2'],
      );
    });

  test('a half that turns bad breaks the reflector that it was part of, under its own name', () => {
    const six = entry('rr_v6/fd00::1', { name: 'rr1' });
    const broken = entry('rr_v4/10.0.0.1', '{');
    const listing = joinReflectorEntries([broken, six], new Map([[broken.key, 'rr1']]));
    assert.deepEqual(listing.resources, []);
    assert.deepEqual(
      listing.broken.map(({ name }) => name),
      ['rr1'],
    );
  });

  test('two reflectors of one name both stay; the second goes by its address and is warned about', () => {
    const { resources, broken, warnings } = joinReflectorEntries([
      entry('rr_v4/10.0.0.2', { name: 'rr1' }),
      entry('rr_v4/10.0.0.1', { name: 'rr1' }),
    ]);
    assert.deepEqual(
      resources.map((resource) => [resource.metadata.name, resource.spec.ipv4]),
      [
        ['10.0.0.2', '10.0.0.2'],
        ['rr1', '10.0.0.1'],
      ],
    );
    assert.deepEqual(broken, []);
    assert.equal(warnings[0]?.code, 'duplicate');
  });

  test('no reflector can take the address of another for its name', () => {
    const { resources, warnings } = joinReflectorEntries([
      entry('rr_v4/10.0.0.1', { name: '10.0.0.2' }),
      entry('rr_v4/10.0.0.2', {}),
    ]);
    assert.deepEqual(
      resources.map((resource) => resource.metadata.name),
      ['10.0.0.1', '10.0.0.2'],
    );
    assert.equal(warnings[0]?.code, 'bad-name');
  });

  test('of two entries for one address, the one under its own key counts and the other is set aside', () => {
    const { resources, broken } = joinReflectorEntries([
      entry('rr_v4/10.0.0.1', { ip: '10.0.0.2', cluster_id: '9.9.9.9' }),
      entry('rr_v4/10.0.0.2', { ip: '10.0.0.2', cluster_id: '1.0.0.1' }),
    ]);
    assert.equal(resources[0]?.spec.clusterID, '1.0.0.1');
    assert.deepEqual(
      broken.map(({ name, problem }) => [name, problem.code]),
      [['10.0.0.1', 'duplicate']],
    );
  });

  test('a field called __proto__ is a field like any other', () => {
    const resource = only(entry('rr_v4/10.0.0.1', '{"ip":"10.0.0.1","__proto__":{"group":"evil"}}'));
    assert.equal(resource.spec.group, undefined);
    assert.ok(Object.hasOwn(resource.spec, '__proto__'));
  });
});

suite('writing reflector entries', () => {
  const reflector = (name: string, spec: Resource['spec'], labels?: Record<string, string>): Resource => ({
    apiVersion: 'calico-rr.io/v1',
    kind: 'RouteReflector',
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec,
  });
  const change = (
    entries: readonly ReflectorEntry[],
    edit: (resource: Resource) => Resource,
  ): readonly KeyWrite[] => {
    const { resources, halves } = joinReflectorEntries(entries);
    const [resource] = resources;
    assert.ok(resource !== undefined);
    return planReflectorWrite(edit(resource), halves.get(resource.metadata.name));
  };
  const values = (writes: readonly KeyWrite[]): Json[] =>
    writes.map(({ value }) => (value === undefined ? null : JSON.parse(value)));

  test('a new reflector of both families is two keys that must not exist yet', () => {
    const writes = planReflectorWrite(
      reflector(
        'rr1',
        {
          ipv4: '10.0.0.1',
          ipv6: 'FD00::1',
          clusterID: '1.0.0.1',
          asNumber: 64512,
          peers: [
            { ip: '192.0.2.1', asNumber: 1, passwordRef: 'a' },
            { ip: '2001:db8::1', maxPrefixes: 9 },
          ],
        },
        { rack: '1' },
      ),
    );
    const rest = { cluster_id: '1.0.0.1', as_num: 64512, name: 'rr1', labels: { rack: '1' } };
    assert.deepEqual(
      writes.map(({ key, revision: must }) => [key, must]),
      [
        ['/calico/bgp/v1/rr_v4/10.0.0.1', undefined],
        ['/calico/bgp/v1/rr_v6/fd00::1', undefined],
      ],
    );
    assert.deepEqual(values(writes), [
      { ip: '10.0.0.1', ...rest, peers: [{ ip: '192.0.2.1', as_num: 1, password_ref: 'a' }] },
      { ip: 'fd00::1', ...rest, peers: [{ ip: '2001:db8::1', max_prefixes: 9 }] },
    ]);
  });

  test('what is read and written unchanged is not written at all', () => {
    const entries = [
      entry('rr_v4/10.0.0.1', {
        ip: '10.0.0.1',
        name: 'rr1',
        cluster_id: '',
        as_num: '1.10',
        labels: { a: 1 },
        peers: [{ ip: '192.0.2.1', as_num: '1' }],
        x: null,
      }),
      entry('rr_v6/FD00:0::1', { ip: 'fd00:0::1', name: 'rr1', group: 'b', peers: 'nonsense' }),
    ];
    assert.deepEqual(
      change(entries, (resource) => resource),
      [],
    );
  });

  test('a change of one field changes that field, and nothing else that stands in either entry', () => {
    const four = entry('rr_v4/10.0.0.1', { x: 1, ip: '10.0.0.1', name: 'rr1', cluster_id: '1.0.0.1' });
    const six = entry('rr_v6/fd00::1', { ip: 'fd00::1', name: 'rr1', cluster_id: '1.0.0.2', y: 2 });
    const writes = change([four, six], (resource) => ({
      ...resource,
      spec: { ...resource.spec, asNumber: 65000 },
    }));
    assert.deepEqual(
      writes.map((write) => [write.key, write.revision, write.value]),
      [
        [
          four.key,
          four.revision,
          '{"x":1,"ip":"10.0.0.1","name":"rr1","cluster_id":"1.0.0.1","as_num":65000}',
        ],
        [six.key, six.revision, '{"ip":"fd00::1","name":"rr1","cluster_id":"1.0.0.2","y":2,"as_num":65000}'],
      ],
    );
  });

  test('a field set to null or left out is removed', () => {
    const four = entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', group: 'a', cluster_id: '1.0.0.1' });
    const writes = change([four], (resource) => ({ ...resource, spec: { ipv4: '10.0.0.1', group: null } }));
    assert.deepEqual(values(writes), [{ ip: '10.0.0.1' }]);
  });

  test('a changed address is a new key first, and the old one deleted after, all fields kept', () => {
    const four = entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', name: 'rr1', x: 1 });
    const writes = change([four], (resource) => ({
      ...resource,
      spec: { ...resource.spec, ipv4: '10.0.0.2' },
    }));
    assert.deepEqual(writes, [
      {
        key: '/calico/bgp/v1/rr_v4/10.0.0.2',
        value: '{"ip":"10.0.0.2","name":"rr1","x":1}',
        revision: undefined,
      },
      { key: four.key, value: undefined, revision: four.revision },
    ]);
  });

  test('an added family is one new key and leaves the other alone', () => {
    const four = entry('rr_v4/10.0.0.1', { ip: '10.0.0.1', cluster_id: '1.0.0.1' });
    const writes = change([four], (resource) => ({
      ...resource,
      spec: { ...resource.spec, ipv6: 'fd00::1' },
    }));
    assert.deepEqual(values(writes), [{ ip: 'fd00::1', cluster_id: '1.0.0.1', name: '10.0.0.1' }]);
  });

  test('a removed peer goes from the entry that holds it; the other entry is not written', () => {
    const four = entry('rr_v4/10.0.0.1', { name: 'rr1', peers: [{ ip: '192.0.2.1', z: 1 }] });
    const six = entry('rr_v6/fd00::1', { name: 'rr1', peers: [{ ip: '192.0.2.2' }, { ip: '2001:db8::1' }] });
    const writes = change([four, six], (resource) => ({
      ...resource,
      spec: { ...resource.spec, peers: [{ ip: '192.0.2.1', z: 1 }, { ip: '2001:db8::1' }] },
    }));
    assert.deepEqual(
      writes.map(({ key }) => key),
      [six.key],
    );
    assert.deepEqual(values(writes), [{ name: 'rr1', peers: [{ ip: '2001:db8::1' }] }]);
  });

  const refused: [string, Resource][] = [
    ['no address', reflector('rr1', { clusterID: '1.0.0.1' })],
    ['an address that is none', reflector('rr1', { ipv4: '10.0.0' })],
    ['an address of the other family', reflector('rr1', { ipv6: '10.0.0.1' })],
    ['a name with a slash', reflector('a/b', { ipv4: '10.0.0.1' })],
    ["another's address for a name", reflector('10.0.0.9', { ipv4: '10.0.0.1' })],
    ['a spec field that would overwrite the entry', reflector('rr1', { ipv4: '10.0.0.1', ip: 'x' })],
  ];
  for (const [what, resource] of refused)
    test(`${what} is refused before anything is written`, () => {
      assert.throws(
        () => planReflectorWrite(resource),
        (error) => error instanceof CalicoRrError && error.code === 'E_INVALID_RESOURCE',
      );
    });
});
