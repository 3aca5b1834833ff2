import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import {
  type RunFlags,
  readCalicoVersion,
  readDialect,
  readFamily,
  readRunSettings,
  readTopologyOptions,
} from './run-settings.ts';

const WRONG: readonly (readonly [string, NodeJS.ProcessEnv, RunFlags, RegExp])[] = [
  ['no address at all', {}, {}, /^IP is not set/],
  ['an empty IP', { IP: '' }, {}, /^IP is not set/],
  ['IP6 alone, which may be a forgotten IP', { IP6: 'fd00::1' }, {}, /^IP is not set/],
  ['IP=none and no IP6', { IP: 'none' }, {}, /^IP is "none" and IP6 is not set/],
  ['an IP that is no address', { IP: '10.0.0' }, {}, /^IP is "10\.0\.0", not an IPv4 address/],
  ['an IP at which nobody can be', { IP: '0.0.0.0' }, {}, /^IP is "0\.0\.0\.0"; it must be the address/],
  ['a link-local IP6', { IP: '10.0.0.1', IP6: 'fe80::1' }, {}, /^IP6 is "fe80::1"; it must be the address/],
  ['an IPv6 address as IP', { IP: 'fd00::1' }, {}, /^IP is "fd00::1", an IPv6 address/],
  [
    'an IPv4 address as IP6',
    { IP: '10.0.0.1', IP6: '10.0.0.2' },
    {},
    /^IP6 is "10\.0\.0\.2", an IPv4 address/,
  ],
  ['a listen address with no port', {}, { listen: ['10.0.0.1'] }, /^--listen is "10\.0\.0\.1"/],
  [
    'a wildcard to listen on',
    {},
    { listen: ['0.0.0.0:179'] },
    /^--listen is "0\.0\.0\.0:179"; it must be the address/,
  ],
  ['port 0', {}, { listen: ['10.0.0.1:0'] }, /^--listen names port 0/],
  ['two ports', {}, { listen: ['10.0.0.1:179', '[fd00::1]:180'] }, /^--listen names two different ports/],
  [
    'two addresses of a family',
    {},
    { listen: ['10.0.0.1:179', '10.0.0.2:179'] },
    /^--listen names two addresses/,
  ],
  [
    'control over the network without a token',
    { IP: '10.0.0.1' },
    { control: '10.0.0.1:9180' },
    /^--control-token-file is missing/,
  ],
  [
    'a token that the network could read',
    { IP: '10.0.0.1' },
    { control: '10.0.0.1:9180', controlTokenFile: '/token' },
    /^--control-cert is missing: at 10\.0\.0\.1 the token would be readable/,
  ],
  [
    'a certificate without its key',
    { IP: '10.0.0.1' },
    { control: '127.0.0.1:9180', controlTokenFile: '/token', controlCert: '/cert' },
    /^--control-key is missing/,
  ],
  [
    'a certificate for nothing',
    { IP: '10.0.0.1' },
    { controlCert: '/cert' },
    /^--control-cert is given without --control/,
  ],
  ['an HTTP address that is none', { IP: '10.0.0.1' }, { http: '9090' }, /^--http is "9090"/],
  [
    'a BIRD for an engine that is none',
    { IP: '10.0.0.1' },
    { engine: 'native', birdSocket: '/run/bird.ctl' },
    /^--bird-socket is for --engine bird, and --engine is "native"/,
  ],
  [
    'another end of a session',
    { IP: '10.0.0.1' },
    { overLimit: 'close' },
    /^--over-limit is "close", not "refuse"/,
  ],
  [
    'an end of a session that BIRD does not have',
    { IP: '10.0.0.1' },
    { overLimit: '60', adopt: true },
    /^--over-limit is for our own BGP/,
  ],
  ['paths that are no number', { IP: '10.0.0.1' }, { addPaths: 'some' }, /^--add-paths is "some", not "off"/],
  ['one path, which is none too many', { IP: '10.0.0.1' }, { addPaths: '1' }, /^--add-paths is "1"/],
  [
    'a number of paths for BIRD',
    { IP: '10.0.0.1' },
    { addPaths: '4', engine: 'bird' },
    /^--add-paths has a number, which is for our own BGP/,
  ],
  [
    'an origin guard that nobody knows',
    { IP: '10.0.0.1' },
    { originGuard: 'on' },
    /^--origin-guard is "on", not "off", "log" or "enforce"/,
  ],
  ['an engine that nobody knows', { IP: '10.0.0.1' }, { engine: 'frr' }, /^--engine is "frr"/],
  [
    'bounds that nobody knows',
    { IP: '10.0.0.1' },
    { acceptPrefixes: 'some' },
    /^--accept-prefixes is "some"/,
  ],
  ['a limit that is no number', { IP: '10.0.0.1' }, { maxPrefixes: 'many' }, /^--max-prefixes is "many"/],
  ['more than all sessions', { IP: '10.0.0.1' }, { maxSessionLoss: '101' }, /^--max-session-loss is "101"/],
  ['a log level that nobody knows', { IP: '10.0.0.1' }, { logLevel: 'loud' }, /^--log-level is "loud"/],
  ['an empty name', {}, { name: ' ' }, /^--name is empty/],
  [
    'a version of Calico that is none',
    { IP: '10.0.0.1' },
    { calicoVersion: 'latest' },
    /^--calico-version is "latest", not a version such as/,
  ],
  [
    'the same in the environment',
    { IP: '10.0.0.1', CALICO_RR_CALICO_VERSION: '3' },
    {},
    /^CALICO_RR_CALICO_VERSION is "3", not a version/,
  ],
  ...['0.0.0.0', 'fd00::1', 'Hash'].map(
    (id) =>
      [
        `the router ID ${id}`,
        { IP: '10.0.0.1', CALICO_ROUTER_ID: id },
        {},
        /^CALICO_ROUTER_ID is ".*", neither "hash" nor 32 bits/,
      ] as const,
  ),
];

for (const [what, env, flags, message] of WRONG) {
  test(`${what}: an error that names the setting, and exit status 2`, () => {
    assert.throws(
      () => readRunSettings(env, flags),
      (error) =>
        error instanceof CalicoRrError &&
        error.exitCode === 2 &&
        message.test(error.message) &&
        error.hint !== undefined,
    );
  });
}

test('IP and IP6 are the addresses, in canonical form', () => {
  const settings = readRunSettings({ IP: '10.0.0.1', IP6: 'FD00:0::1' }, {});
  assert.equal(settings.instance, '10.0.0.1');
  assert.deepEqual([settings.ipv4, settings.ipv6, settings.listenPort], ['10.0.0.1', 'fd00::1', null]);
});

test('IP=none and IP6 make a reflector of IPv6 alone', () => {
  const settings = readRunSettings({ IP: 'none', IP6: 'fd00::1' }, {});
  assert.deepEqual([settings.instance, settings.ipv4, settings.ipv6], ['fd00::1', null, 'fd00::1']);
});

test('--listen wins over IP, and brings the port', () => {
  const settings = readRunSettings({ IP: '10.0.0.9' }, { listen: ['127.0.0.1:1790', '[fd00::1]:1790'] });
  assert.deepEqual([settings.ipv4, settings.ipv6, settings.listenPort], ['127.0.0.1', 'fd00::1', 1790]);
});

test('a name alone is enough: its entry has the addresses', () => {
  const settings = readRunSettings({}, { name: 'rr1' });
  assert.deepEqual([settings.instance, settings.ipv4, settings.ipv6], ['rr1', null, null]);
});

test('NODENAME is the name unless --name says another', () => {
  assert.equal(readRunSettings({ NODENAME: 'node-1' }, {}).name, 'node-1');
  assert.equal(readRunSettings({ NODENAME: 'node-1' }, { name: 'rr1' }).name, 'rr1');
  assert.equal(readRunSettings({ NODENAME: ' ', IP: '10.0.0.1' }, {}).instance, '10.0.0.1');
});

for (const method of [
  'autodetect',
  'first-found',
  'can-reach=8.8.8.8',
  'interface=eth.*',
  'kubernetes-internal-ip',
]) {
  test(`IP=${method}, as nodes of Calico are told, leaves the address to the node's entry, and needs a name`, () => {
    assert.equal(readRunSettings({ NODENAME: 'n1', IP: method }, {}).ipv4, null);
    assert.throws(() => readRunSettings({ IP: method }, {}), /IP is/);
  });
}

test('what is not said has the documented default', () => {
  const settings = readRunSettings({ IP: '10.0.0.1' }, {});
  const { acceptPrefixes, maxPrefixes, minReflectors, maxSessionLoss, llgrSeconds, bird, kernel } = settings;
  assert.equal(settings.addPaths, 'receive');
  assert.equal(readRunSettings({ IP: '10.0.0.1' }, { addPaths: '4' }).addPaths, 4);
  assert.deepEqual(
    { acceptPrefixes, maxPrefixes, minReflectors, maxSessionLoss, llgrSeconds, bird, kernel },
    {
      acceptPrefixes: 'any',
      maxPrefixes: 10_000,
      minReflectors: 2,
      maxSessionLoss: 25,
      llgrSeconds: 3600,
      bird: 'bird',
      kernel: true,
    },
  );
});

test('flags win over variables of the same meaning', () => {
  const env = { IP: '10.0.0.1', CALICO_RR_BIRD: '/env/bird', CALICO_RR_SECRETS_FILE: '/env/secrets' };
  const settings = readRunSettings(env, { bird: '/flag/bird', secretsFile: '/flag/secrets' });
  assert.deepEqual([settings.bird, settings.secretsFile], ['/flag/bird', '/flag/secrets']);
  const unset = readRunSettings(env, {});
  assert.deepEqual([unset.bird, unset.secretsFile], ['/env/bird', '/env/secrets']);
});

test('the version of Calico on the nodes is read with or without its v, and the flag wins', () => {
  const env = { CALICO_RR_CALICO_VERSION: '3.12' };
  assert.equal(readCalicoVersion({}, undefined), null);
  assert.equal(readCalicoVersion({ CALICO_RR_CALICO_VERSION: ' ' }, undefined), null);
  assert.equal(readCalicoVersion(env, undefined), '3.12');
  assert.equal(readCalicoVersion(env, 'v3.28.1-1.0'), 'v3.28.1-1.0');
});

test('the router ID is as CALICO_ROUTER_ID says, hash or an ID', () => {
  const routerId = (id: string | undefined) =>
    readRunSettings({ IP: '10.0.0.1', CALICO_ROUTER_ID: id }, {}).routerId;
  assert.deepEqual([undefined, '', 'hash', '192.0.2.7'].map(routerId), [null, null, 'hash', '192.0.2.7']);
});

test('CALICO_ADVERTISE_CLUSTER_IPS is a CIDR, or one for each family', () => {
  const rangesOf = (text: string | undefined) =>
    readTopologyOptions({ CALICO_ADVERTISE_CLUSTER_IPS: text }, undefined).serviceClusterIps;
  assert.equal(rangesOf(undefined), undefined);
  assert.equal(rangesOf(' '), undefined);
  assert.deepEqual(rangesOf('10.96.0.0/12'), ['10.96.0.0/12']);
  assert.deepEqual(rangesOf('10.96.0.0/12, FD96::/112'), ['10.96.0.0/12', 'fd96::/112']);
  for (const text of ['10.96.0.0', 'true', '10.96.0.0/12,'])
    assert.throws(() => rangesOf(text), /^CalicoRrError: CALICO_ADVERTISE_CLUSTER_IPS is ".*", not a CIDR/);
});

test('a dialect is one of three, and one family’s file is asked for where there are two', () => {
  assert.deepEqual(
    [undefined, 'bird2', 'bird1', 'calico-bird'].map((text) => readDialect(text)),
    ['bird2', 'bird2', 'bird1', 'calico-bird'],
  );
  assert.throws(() => readDialect('bird3'), /--dialect is "bird3", not one of bird2, bird1, calico-bird/);
  assert.equal(readFamily(undefined, 'bird2'), null);
  assert.equal(readFamily('6', 'calico-bird'), 6);
  assert.throws(() => readFamily('6', 'bird2'), /BIRD 2 has both families in one file/);
  assert.throws(() => readFamily('v6', 'bird1'), /--family is "v6", not 4 or 6/);
});

test('the engine follows the role, where it is not named and no flag names a BIRD', () => {
  const engineOf = (flags: RunFlags, env: NodeJS.ProcessEnv = {}) =>
    readRunSettings({ IP: '10.0.0.1', ...env }, flags).engine;
  assert.equal(engineOf({}), 'by-role');
  assert.equal(engineOf({}, { CALICO_RR_BIRD: '/usr/sbin/bird' }), 'by-role');
  assert.equal(engineOf({ engine: 'native' }), 'native');
  assert.equal(engineOf({ engine: 'bird' }), 'bird');
  assert.equal(engineOf({ bird: '/usr/sbin/bird' }), 'bird');
  assert.equal(engineOf({ birdSocket: '/run/bird.ctl' }), 'bird');
  assert.equal(engineOf({ adopt: true }), 'bird');
});
