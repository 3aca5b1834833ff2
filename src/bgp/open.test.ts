import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../test/support/bgp-messages.ts';
import type { Capability } from './capability.ts';
import { buildMessage } from './header.ts';
import { decodeOpen, encodeOpen, type Open } from './open.ts';
import { ProtocolError } from './protocol-error.ts';
import { toHex } from './wire.ts';

/** Captured from Debian's BIRDs on iBGP sessions in AS 64512. */
const FROM_BIRD: readonly { readonly version: string; readonly bytes: string; readonly open: Open }[] = [
  {
    version: 'BIRD 2.0.12',
    bytes: `04 fc00 00f0 0a000002 36 02 34
      01 04 00010001  01 04 00020001  02 00  06 00
      40 0a 0078 00010100 00020100  41 04 0000fc00  46 00
      47 0e 00010100 000e10 00020100 000e10`,
    open: {
      as: 64_512,
      holdSeconds: 240,
      routerId: 0x0a00_0002,
      capabilities: [
        { kind: 'multiprotocol', afi: 1, safi: 1 },
        { kind: 'multiprotocol', afi: 2, safi: 1 },
        { kind: 'route-refresh' },
        { kind: 'extended-message' },
        {
          kind: 'graceful-restart',
          restarting: false,
          notification: false,
          seconds: 120,
          families: [
            { afi: 1, safi: 1, forwarding: false },
            { afi: 2, safi: 1, forwarding: false },
          ],
        },
        { kind: 'four-octet-as', as: 64_512 },
        { kind: 'enhanced-route-refresh' },
        {
          kind: 'long-lived-graceful-restart',
          families: [
            { afi: 1, safi: 1, forwarding: false, seconds: 3600 },
            { afi: 2, safi: 1, forwarding: false, seconds: 3600 },
          ],
        },
      ],
    },
  },
  {
    version: 'BIRD 1.6.8',
    bytes: `04 fc00 00f0 0a000002 22 02 20
      01 04 00010001  02 00  40 06 0078 00010100  41 04 0000fc00  45 04 00010103  46 00  47 00`,
    open: {
      as: 64_512,
      holdSeconds: 240,
      routerId: 0x0a00_0002,
      capabilities: [
        { kind: 'multiprotocol', afi: 1, safi: 1 },
        { kind: 'route-refresh' },
        {
          kind: 'graceful-restart',
          restarting: false,
          notification: false,
          seconds: 120,
          families: [{ afi: 1, safi: 1, forwarding: false }],
        },
        { kind: 'four-octet-as', as: 64_512 },
        { kind: 'add-path', entries: [{ afi: 1, safi: 1, mode: 3 }] },
        { kind: 'enhanced-route-refresh' },
        { kind: 'long-lived-graceful-restart', families: [] },
      ],
    },
  },
];

function open(body: string): Uint8Array {
  return buildMessage('open', hex(body));
}

for (const { version, bytes, open: meant } of FROM_BIRD) {
  test(`an OPEN as ${version} sends it is understood, and we would write the same octets`, () => {
    const message = open(bytes);
    assert.deepEqual(decodeOpen(message), meant);
    assert.equal(toHex(encodeOpen(meant)), toHex(message));
  });
}

const CAPABILITIES: readonly {
  readonly name: string;
  readonly capability: Capability;
  readonly bytes: string;
}[] = [
  {
    name: 'RFC 8950: IPv4 with IPv6 next hops',
    capability: { kind: 'extended-next-hop', entries: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
    bytes: '05 06 0001 0001 0002',
  },
  {
    name: 'RFC 7911: several paths, both ways',
    capability: { kind: 'add-path', entries: [{ afi: 2, safi: 1, mode: 3 }] },
    bytes: '45 04 0002 01 03',
  },
  {
    name: 'RFC 8538: restarting, NOTIFICATIONs too',
    capability: {
      kind: 'graceful-restart',
      restarting: true,
      notification: true,
      seconds: 4095,
      families: [],
    },
    bytes: '40 02 cfff',
  },
  {
    name: 'a capability that nobody here knows',
    capability: { kind: 'unknown', code: 73, value: hex('02 6e37 00') },
    bytes: '49 04 026e3700',
  },
];
for (const { name, capability, bytes } of CAPABILITIES) {
  test(`capability, ${name}: octets to value and back`, () => {
    const length = hex(bytes).length;
    const body = `04 fc00 005a 0a000001 ${toHex(Uint8Array.of(length + 2, 2, length))} ${bytes}`;
    assert.deepEqual(decodeOpen(open(body)).capabilities, [capability]);
    const again: Open = { as: 64_512, holdSeconds: 90, routerId: 0x0a00_0001, capabilities: [capability] };
    assert.equal(toHex(encodeOpen(again)), toHex(open(body)));
  });
}

test('RFC 7911: an entry with another mode is ignored', () => {
  const { capabilities } = decodeOpen(open('04 fc00 005a 0a000001 0c 02 0a 45 08 00010104 00020101'));
  assert.deepEqual(capabilities, [{ kind: 'add-path', entries: [{ afi: 2, safi: 1, mode: 1 }] }]);
});

test('RFC 6793: an AS of four octets is AS_TRANS in the old field and whole in the capability', () => {
  const message = encodeOpen({
    as: 4_200_000_001,
    holdSeconds: 90,
    routerId: 1,
    capabilities: [{ kind: 'four-octet-as', as: 4_200_000_001 }],
  });
  assert.equal(toHex(message.subarray(20, 22)), '5ba0');
  assert.equal(decodeOpen(message).as, 4_200_000_001);
});

test('capabilities in several optional parameters are all read', () => {
  const { capabilities } = decodeOpen(open('04 fc00 005a 0a000001 0a 02 02 0200 02 04 0600 4600'));
  assert.deepEqual(
    capabilities.map(({ kind }) => kind),
    ['route-refresh', 'extended-message', 'enhanced-route-refresh'],
  );
});

test('RFC 9072: capabilities beyond 255 octets go into extended parameters, shorter ones never', () => {
  const unknown = (size: number): Capability => ({
    kind: 'unknown',
    code: 73,
    value: new Uint8Array(size).fill(7),
  });
  const long: Open = { as: 1, holdSeconds: 90, routerId: 1, capabilities: [unknown(200), unknown(200)] };
  const message = encodeOpen(long);
  assert.equal(toHex(message.subarray(28, 32)), 'ffff0197');
  assert.deepEqual(decodeOpen(message), long);
  for (const size of [200, 251]) {
    const short: Open = { ...long, capabilities: [unknown(size)] };
    assert.equal(encodeOpen(short)[29], 2);
    assert.deepEqual(decodeOpen(encodeOpen(short)), short);
  }
});

test('RFC 9072: extended parameters are read whatever the old length says, but 0', () => {
  const { capabilities } = decodeOpen(open('04 fc00 005a 0a000001 07 ff 0005 02 0002 0200'));
  assert.deepEqual(capabilities, [{ kind: 'route-refresh' }]);
});

test('times that have no room are told as the longest that have', () => {
  const families = [{ afi: 1, safi: 1, forwarding: true }];
  const restart = {
    kind: 'graceful-restart',
    restarting: false,
    notification: false,
    seconds: 7200,
  } as const;
  const message = encodeOpen({
    as: 1,
    holdSeconds: 100_000,
    routerId: 1,
    capabilities: [
      { ...restart, families },
      {
        kind: 'long-lived-graceful-restart',
        families: families.map((one) => ({ ...one, seconds: 20_000_000 })),
      },
    ],
  });
  const { holdSeconds, capabilities } = decodeOpen(message);
  assert.equal(holdSeconds, 65_535);
  assert.deepEqual(capabilities, [
    { ...restart, seconds: 4095, families },
    {
      kind: 'long-lived-graceful-restart',
      families: families.map((one) => ({ ...one, seconds: 16_777_215 })),
    },
  ]);
});

test('a capability of more than 255 octets is our own mistake and said so', () => {
  const capabilities: Capability[] = [{ kind: 'unknown', code: 200, value: new Uint8Array(256) }];
  assert.throws(() => encodeOpen({ as: 1, holdSeconds: 90, routerId: 1, capabilities }), /capability 200/);
});

test('an OPEN that does not fit its 4096 octets is our own mistake and said so', () => {
  const value = new Uint8Array(255);
  const capabilities = Array.from({ length: 17 }, (): Capability => ({ kind: 'unknown', code: 200, value }));
  assert.throws(() => encodeOpen({ as: 1, holdSeconds: 90, routerId: 1, capabilities }), RangeError);
});

const REFUSED = [
  { name: 'another version', body: '03 fc00 005a 0a000001 00', code: '2/1', data: '0004' },
  { name: 'AS 0', body: '04 0000 005a 0a000001 00', code: '2/2', data: '' },
  {
    name: 'AS 0 in the capability',
    body: '04 5ba0 005a 0a000001 08 02 06 41 04 00000000',
    code: '2/2',
    data: '',
  },
  { name: 'a hold time of 1 second', body: '04 fc00 0001 0a000001 00', code: '2/6', data: '' },
  { name: 'a hold time of 2 seconds', body: '04 fc00 0002 0a000001 00', code: '2/6', data: '' },
  { name: 'BGP Identifier 0', body: '04 fc00 005a 00000000 00', code: '2/3', data: '' },
  {
    name: 'an optional parameter that is no capability',
    body: '04 fc00 005a 0a000001 03 01 01 00',
    code: '2/4',
    data: '',
  },
  {
    name: 'optional parameters that end before the message',
    body: '04 fc00 005a 0a000001 00 0202',
    code: '2/0',
    data: '',
  },
  {
    name: 'optional parameters that end after the message',
    body: '04 fc00 005a 0a000001 09 02 02 0200',
    code: '2/0',
    data: '',
  },
  { name: 'a parameter that is cut off', body: '04 fc00 005a 0a000001 04 02 09 0200', code: '2/0', data: '' },
  {
    name: 'a capability that is cut off',
    body: '04 fc00 005a 0a000001 04 02 02 4104',
    code: '2/0',
    data: '',
  },
  {
    name: 'a capability of an impossible length',
    body: '04 fc00 005a 0a000001 05 02 03 410100',
    code: '2/0',
    data: '',
  },
];
for (const { name, body, code, data } of REFUSED) {
  test(`an OPEN with ${name} is refused`, () => {
    assert.throws(
      () => decodeOpen(open(body)),
      (error) => {
        assert.ok(error instanceof ProtocolError);
        assert.equal(`${error.notification.code}/${error.notification.subcode}`, code);
        assert.equal(toHex(error.notification.data), data);
        return true;
      },
    );
  });
}
