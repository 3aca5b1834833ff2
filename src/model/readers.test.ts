import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBgpConfiguration } from './bgp-configuration.ts';
import { readBgpPeer } from './bgp-peer.ts';
import { readBlockAffinity } from './block-affinity.ts';
import { parseDuration } from './duration.ts';
import { readIpPool } from './ip-pool.ts';
import { readNode } from './node.ts';
import { isWhole, parseEndpoint, type Reading } from './reading.ts';
import { type JsonObject, KINDS, type Kind, type Resource } from './resource.ts';
import { readRouteReflector } from './route-reflector.ts';

function resource(kind: Kind, spec: JsonObject, name = 'x'): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

function codes(reading: Reading<unknown>): readonly string[] {
  return reading.problems.map((problem) => problem.code);
}

test('a peer address may carry a port, IPv6 in brackets', () => {
  assert.deepEqual(parseEndpoint('10.0.0.1'), { address: '10.0.0.1', port: null });
  assert.deepEqual(parseEndpoint('10.0.0.1:1790'), { address: '10.0.0.1', port: 1790 });
  assert.deepEqual(parseEndpoint('FD00::1'), { address: 'fd00::1', port: null });
  assert.deepEqual(parseEndpoint('[FD00::1]:1790'), { address: 'fd00::1', port: 1790 });
  for (const text of [
    '',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '[10.0.0.1]:179',
    '[fd00::1]',
    'rr1:179',
    'fe80::1%e0',
  ]) {
    assert.equal(parseEndpoint(text), undefined, text);
  }
});

test('durations are read as Go writes them', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['2m30s', 150],
    ['1h', 3600],
    ['1.5s', 1.5],
    ['500ms', 0.5],
    ['0', 0],
  ] as const) {
    assert.equal(parseDuration(text), seconds, text);
  }
  for (const text of ['', '90', '-5s', 's', '1d', '1s ']) assert.equal(parseDuration(text), undefined, text);
});

test('a node without BGP, with empty addresses or with none is a node without addresses, not a broken one', () => {
  for (const spec of [{}, { bgp: null }, { bgp: {} }, { bgp: { ipv4Address: '', ipv6Address: '' } }]) {
    const reading = readNode(resource('Node', spec, 'n1'));
    assert.deepEqual(reading.problems, []);
    assert.deepEqual(reading.value, {
      name: 'n1',
      ipv4: null,
      ipv6: null,
      ipv4Network: null,
      asNumber: null,
      clusterId: null,
      labels: {},
      withoutServices: false,
    });
  }
});

test('a bad address of a node takes its family away, a bad AS the node', () => {
  const oneFamily = readNode(resource('Node', { bgp: { ipv4Address: '10.0.0.1', ipv6Address: '10.0.0.2' } }));
  assert.deepEqual(codes(oneFamily), ['bad-address']);
  assert.equal(oneFamily.value?.ipv4, '10.0.0.1');
  assert.equal(oneFamily.value?.ipv6, null);
  assert.equal(isWhole(oneFamily), false);
  for (const asNumber of [0, '0', -1, 4294967296, '1.2.3', true]) {
    const reading = readNode(resource('Node', { bgp: { ipv4Address: '10.0.0.1', asNumber } }));
    assert.deepEqual(codes(reading), ['bad-as-number'], String(asNumber));
    assert.equal(reading.value, undefined);
  }
});

test('an address at which nobody can stand is refused wherever a speaker is named', () => {
  const node = readNode(resource('Node', { bgp: { ipv4Address: '0.0.0.0/0', ipv6Address: 'fe80::1/64' } }));
  assert.deepEqual(codes(node), ['bad-address', 'bad-address']);
  assert.deepEqual([node.value?.ipv4, node.value?.ipv6], [null, null]);
  assert.deepEqual(codes(readBgpPeer(resource('BGPPeer', { peerIP: '224.0.0.5' }))), ['bad-address']);
  const peers = [{ ip: '[fe80::1]:179', asNumber: 65001 }];
  const reflector = readRouteReflector(resource('RouteReflector', { ipv4: '10.0.0.1', peers }));
  assert.deepEqual(codes(reflector), ['bad-address']);
  assert.deepEqual(reflector.value?.peers, []);
});

test('the AS of a peer may be a number, decimal text or dotted text; 0 is "not set"', () => {
  for (const [asNumber, expected] of [
    [64512, 64512],
    ['64512', 64512],
    ['1.10', 65546],
    [0, null],
    ['0', null],
    ['', null],
    [null, null],
  ] as const) {
    const reading = readBgpPeer(resource('BGPPeer', { peerIP: '10.0.0.1', asNumber }));
    assert.deepEqual(reading.problems, []);
    assert.equal(reading.value?.asNumber, expected);
  }
});

test('a peer is for every node, one node or selected nodes, and with an address, selected nodes or workloads', () => {
  for (const [spec, local, remote] of [
    [{ peerIP: '10.0.0.1:1790' }, { scope: 'every' }, { type: 'address', address: '10.0.0.1', port: 1790 }],
    [
      { node: 'n', peerSelector: 'all()' },
      { scope: 'node', node: 'n' },
      { type: 'selected', selector: 'all()' },
    ],
    [
      { nodeSelector: "rack == 'a'", peerSelector: 'has(rr)' },
      { scope: 'selected', selector: "rack == 'a'" },
      { type: 'selected', selector: 'has(rr)' },
    ],
    [
      { nodeSelector: '', peerSelector: 'has(rr)' },
      { scope: 'every' },
      { type: 'selected', selector: 'has(rr)' },
    ],
    [{ localWorkloadSelector: 'all()', asNumber: 65001 }, { scope: 'every' }, { type: 'workloads' }],
  ] as const) {
    const reading = readBgpPeer(resource('BGPPeer', spec));
    assert.ok(isWhole(reading), JSON.stringify(reading));
    assert.deepEqual([reading.value?.local, reading.value?.remote], [local, remote]);
  }
});

test('a peer that says two things at once, or nothing, is set aside', () => {
  for (const [spec, code] of [
    [{ node: 'n', nodeSelector: 'all()', peerIP: '10.0.0.1' }, 'conflict'],
    [{ peerIP: '10.0.0.1', peerSelector: 'all()' }, 'conflict'],
    [{ localWorkloadSelector: 'all()', peerSelector: 'all()' }, 'conflict'],
    [{ nodeSelector: 'all()' }, 'bad-address'],
    [{ peerIP: '10.0.0.1', nodeSelector: true }, 'bad-field'],
    [{ peerIP: '10.0.0.1', reversePeering: 'manual' }, 'bad-field'],
  ] as const) {
    const reading = readBgpPeer(resource('BGPPeer', spec));
    assert.equal(codes(reading)[0], code);
    assert.equal(reading.value, undefined);
  }
});

test('a selector that does not parse sets its peer aside and shows the line with a caret', () => {
  const reading = readBgpPeer(resource('BGPPeer', { peerIP: '10.0.0.1', nodeSelector: "rack = 'a'" }));
  assert.equal(reading.value, undefined);
  assert.deepEqual(reading.problems, [
    {
      code: 'bad-selector',
      severity: 'error',
      subject: 'BGPPeer/x',
      field: 'spec.nodeSelector',
      message: `spec.nodeSelector does not parse: expected "==", found "= 'a'" (column 6).`,
      hint: "Mend it here:\n    rack = 'a'\n         ^",
    },
  ]);
});

test('an AS number beside a peerSelector has no effect, and is reported', () => {
  const reading = readBgpPeer(
    resource('BGPPeer', { peerSelector: 'all()', asNumber: 65001, localASNumber: 65002 }),
  );
  assert.deepEqual(codes(reading), ['conflict', 'conflict']);
  assert.deepEqual([reading.value?.asNumber, reading.value?.localAsNumber], [null, null]);
  assert.ok(isWhole(reading));
});

test('a peer whose password cannot be named is set aside, and its text is never told', () => {
  for (const password of ['hunter2', { secretKeyRef: { name: 'hunter2' } }, {}]) {
    const reading = readBgpPeer(resource('BGPPeer', { peerIP: '10.0.0.1', password }));
    assert.equal(reading.value, undefined);
    assert.doesNotMatch(JSON.stringify(reading.problems), /hunter2/);
  }
  const named = { secretKeyRef: { name: 'bgp', key: 'rr' } };
  assert.equal(
    readBgpPeer(resource('BGPPeer', { peerIP: '10.0.0.1', password: named })).value?.passwordRef,
    'bgp/rr',
  );
});

test('the settings of a peer are read', () => {
  const reading = readBgpPeer(
    resource('BGPPeer', {
      node: 'n1',
      peerIP: '[fd00::1]:1790',
      asNumber: 65001,
      localASNumber: 65002,
      maxRestartTime: '2m30s',
      keepaliveTime: '5s',
      ttlSecurity: 2,
      keepOriginalNextHop: true,
      sourceAddress: 'None',
      numAllowedLocalASNumbers: 1,
      reversePeering: 'Manual',
    }),
  );
  assert.deepEqual(reading, {
    value: {
      name: 'x',
      local: { scope: 'node', node: 'n1' },
      remote: { type: 'address', address: 'fd00::1', port: 1790 },
      asNumber: 65001,
      localAsNumber: 65002,
      reverse: false,
      passwordRef: null,
      restartSeconds: 150,
      keepaliveSeconds: 5,
      ttlSecurityHops: 2,
      nextHop: 'keep-external',
      fromOwnAddress: false,
      allowLocalAs: 1,
      filters: [],
      reachableBy: null,
    },
    problems: [],
  });
});

test('times that BGP has no room for are cut to what it has, and said so', () => {
  const peer = readBgpPeer(
    resource('BGPPeer', { peerIP: '10.0.0.1', asNumber: 65001, maxRestartTime: '2h', keepaliveTime: '10h' }),
  );
  assert.deepEqual([peer.value?.restartSeconds, peer.value?.keepaliveSeconds], [4095, 21_845]);
  assert.deepEqual(codes(peer), ['bad-field', 'bad-field']);
  assert.ok(peer.problems.every(({ severity }) => severity === 'warning'));
  const none = readBgpPeer(resource('BGPPeer', { peerIP: '10.0.0.1', asNumber: 65001, keepaliveTime: '0s' }));
  assert.deepEqual([none.value?.keepaliveSeconds, codes(none)], [null, ['bad-field']]);
  const mesh = readBgpConfiguration(resource('BGPConfiguration', { nodeMeshMaxRestartTime: '4095.4s' }));
  assert.equal(mesh.value?.meshRestartSeconds, 4095);
});

test('a cluster ID has the form of an IPv4 address and is not 0.0.0.0', () => {
  for (const clusterID of ['0.0.0.0', '1.0.0', 'rack1', 7]) {
    const reading = readRouteReflector(resource('RouteReflector', { ipv4: '10.0.0.1', clusterID }));
    assert.deepEqual(codes(reading), ['bad-cluster-id'], String(clusterID));
    assert.equal(reading.value, undefined);
  }
  const none = readRouteReflector(resource('RouteReflector', { ipv4: '10.0.0.1', clusterID: '' }));
  assert.equal(none.value?.clusterId, null);
  assert.equal(none.value?.group, 'default');
});

test('a reflector without any address is no reflector', () => {
  const reading = readRouteReflector(resource('RouteReflector', { clusterID: '1.0.0.1' }));
  assert.deepEqual(codes(reading), ['no-address']);
  assert.equal(reading.value, undefined);
});

test('a bad peer of a reflector is set aside and the others stay; an inline password is never told', () => {
  const reading = readRouteReflector(
    resource('RouteReflector', {
      ipv4: '10.0.0.1',
      peers: [
        { ip: '192.0.2.1', asNumber: 65001, password: 'hunter2' },
        { ip: '10.0.0.1', asNumber: 65001 },
        { ip: 'router', asNumber: 65001 },
        { ip: '192.0.2.2', asNumber: 0 },
        { ip: '192.0.2.3', asNumber: 65001, import: ['10.0.0.0/8', 'fd00::/8'] },
        {
          ip: '192.0.2.4',
          asNumber: 65001,
          import: ['10.2.0.0/16', '10.1.9.9/16'],
          maxPrefixes: 100,
          port: 1790,
        },
        { ip: '192.0.2.4', asNumber: 65002 },
        'x',
      ],
    }),
  );
  assert.deepEqual(codes(reading), [
    'inline-password',
    'self-peer',
    'bad-address',
    'bad-as-number',
    'bad-prefix',
    'duplicate',
    'bad-field',
  ]);
  assert.doesNotMatch(JSON.stringify(reading.problems), /hunter2/);
  assert.deepEqual(reading.value?.peers, [
    {
      address: '192.0.2.4',
      port: 1790,
      asNumber: 65001,
      passwordRef: null,
      maxPrefixes: 100,
      importPrefixes: ['10.1.0.0/16', '10.2.0.0/16'],
      exportPrefixes: [],
    },
  ]);
});

test('a misspelt field of a reflector is not passed over without a word', () => {
  const reading = readRouteReflector(resource('RouteReflector', { ipv4: '10.0.0.1', cluster_id: '1.0.0.1' }));
  assert.deepEqual(codes(reading), ['unknown-field']);
  assert.match(reading.problems[0]?.hint ?? '', /clusterID/);
  assert.ok(isWhole(reading));
});

test('the severities of Calico become the three of BIRD', () => {
  for (const [severity, level] of [
    ['Debug', 'debug'],
    ['info', 'info'],
    ['Warning', 'none'],
    ['Fatal', 'none'],
    ['none', 'none'],
    [undefined, null],
  ] as const) {
    const spec = severity === undefined ? {} : { logSeverityScreen: severity };
    assert.equal(readBgpConfiguration(resource('BGPConfiguration', spec, 'default')).value?.logLevel, level);
  }
});

test('a bad field of a BGPConfiguration does not take the others away', () => {
  const reading = readBgpConfiguration(
    resource('BGPConfiguration', { asNumber: 65001, listenPort: 0, nodeToNodeMeshEnabled: 'no' }, 'default'),
  );
  assert.deepEqual(codes(reading), ['bad-field', 'bad-field']);
  assert.equal(reading.value?.asNumber, 65001);
  assert.equal(reading.value?.meshEnabled, null);
});

test('a block counts only while it is confirmed', () => {
  const read = (spec: JsonObject) =>
    readBlockAffinity(resource('BlockAffinity', { node: 'n1', cidr: '10.65.0.0/26', ...spec })).value
      ?.confirmed;
  assert.equal(read({}), true);
  assert.equal(read({ state: 'confirmed', deleted: 'false' }), true);
  assert.equal(read({ state: 'pending' }), false);
  assert.equal(read({ state: 'confirmed', deleted: 'true' }), false);
  assert.equal(read({ state: 'confirmed', deleted: true }), false);
});

test('pools of both API versions are read alike', () => {
  const v3 = readIpPool(resource('IPPool', { cidr: '10.65.0.0/16', ipipMode: 'CrossSubnet' }));
  const v1 = readIpPool(resource('IPPool', { cidr: '10.65.0.0/16', ipipMode: 'cross-subnet' }));
  assert.deepEqual(v1, v3);
  assert.deepEqual(v3.problems, []);
});

test('a pool that says its tunnel in the older form has it, unless it says it in the newer one, too', () => {
  for (const [spec, mode] of [
    [{ ipip: { enabled: true } }, 'Always'],
    [{ ipip: { enabled: true, mode: 'cross-subnet' } }, 'CrossSubnet'],
    [{ ipip: { enabled: false, mode: 'always' } }, 'Never'],
    [{ ipip: { enabled: true }, ipipMode: 'Never' }, 'Never'],
  ] as const) {
    const reading = readIpPool(resource('IPPool', { cidr: '10.65.0.0/16', ...spec }));
    assert.deepEqual(reading.problems, []);
    assert.equal(reading.value?.ipip, mode);
  }
});
