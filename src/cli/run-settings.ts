/**
 * What `calico-rr run` was told: the original image's IP and IP6, and the flags. A flag wins over the variable of
 * the same meaning, and no flag takes a secret's value.
 */
import { resolve } from 'node:path';
import { type AddPaths, DEFAULT_ADD_PATHS } from '../engine/add-paths.ts';
import type { Dialect } from '../engine/bird/dialects.ts';
import {
  type Family,
  familyOf,
  type IpAddress,
  isSpeakerAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../model/address.ts';
import { parseClusterId } from '../model/cluster-id.ts';
import { CalicoRrError } from '../model/errors.ts';
import type { TopologyOptions } from '../topology/topology.ts';

/** Flags that decide the engine's configuration; `render` has them too. */
export interface RenderFlags {
  readonly kernel?: boolean;
  readonly acceptPrefixes?: string;
  readonly maxPrefixes?: string;
  readonly llgrSeconds?: string;
  readonly addPaths?: string;
  readonly secretsFile?: string;
  readonly secretsNamespace?: string;
}

export interface RenderSettings {
  readonly kernel: boolean;
  readonly acceptPrefixes: 'any' | 'pools';
  readonly maxPrefixes: number;
  readonly llgrSeconds: number;
  readonly secretsFile: string | null;
  /** Of Kubernetes; null: as the environment says. */
  readonly secretsNamespace: string | null;
}

export interface RunFlags extends RenderFlags {
  readonly name?: string;
  readonly listen?: readonly string[];
  readonly engine?: string;
  readonly overLimit?: string;
  readonly originGuard?: string;
  readonly stateDir?: string;
  readonly http?: string;
  readonly control?: string;
  readonly controlTokenFile?: string;
  readonly controlCert?: string;
  readonly controlKey?: string;
  readonly adopt?: boolean;
  readonly minReflectors?: string;
  readonly maxSessionLoss?: string;
  readonly bird?: string;
  readonly birdSocket?: string;
  readonly logLevel?: string;
  readonly calicoVersion?: string;
}

export interface RunSettings extends RenderSettings {
  /** Several paths to one prefix (RFC 7911). */
  readonly addPaths: AddPaths;
  /** The name, or else the address: what the instance is called on this machine. */
  readonly instance: string;
  /** A session beyond its limit of routes is closed for so many seconds; null: the excess is refused. */
  readonly overLimitSeconds: number | null;
  /** What becomes of routes that a node announces and that are not its own. */
  readonly originGuard: 'off' | 'log' | 'enforce';
  /** What speaks BGP. `by-role`: our own BGP for a reflector, BIRD for a Calico node. */
  readonly engine: 'bird' | 'native' | 'by-role';
  readonly name: string | null;
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
  readonly listenPort: number | null;
  readonly stateDir: string | null;
  readonly http: { readonly host: string; readonly port: number } | null;
  readonly control: ControlSettings | null;
  readonly adopt: boolean;
  readonly minReflectors: number;
  readonly maxSessionLoss: number;
  readonly bird: string;
  /** Control socket of a BIRD that others started, or null: one of our own. */
  readonly birdSocket: string | null;
  readonly logLevel: string;
  /** What is told about the whole cluster beside its resources. */
  readonly cluster: TopologyOptions;
  /** The BGP Identifier, or `hash`: made of the name; null: the IPv4 address, else as `hash`. */
  readonly routerId: string | null;
}

/** The control socket over the network. */
export interface ControlSettings {
  readonly host: IpAddress;
  readonly port: number;
  readonly tokenFile: string;
  /** Paths of PEM files; null: on a loopback address, without TLS. */
  readonly keyPair: { readonly cert: string; readonly key: string } | null;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** @throws E_SETTING, naming the variable or flag that is wrong or missing */
export function readRunSettings(env: NodeJS.ProcessEnv, flags: RunFlags): RunSettings {
  const engine = readEngine(flags);
  const listen = readListen(flags.listen ?? []);
  if (flags.name?.trim() === '') throw wrong('--name', 'is empty');
  const name = flags.name ?? given(env.NODENAME)?.trim() ?? null;
  const ipv4 = listen.ipv4 ?? readAddress(env, 'IP', 4, name);
  const ipv6 = listen.ipv6 ?? readAddress(env, 'IP6', 6, name);
  if (name === null && ipv4 === null && listen.ipv6 === null && !saysNone(env.IP)) {
    throw new CalicoRrError('E_SETTING', 'IP is not set: it is the IPv4 address of this reflector', {
      hint: 'Set IP=ADDRESS (and IP6), or give --listen ADDRESS:PORT, or --name NAME (NODENAME) of its RouteReflector or Node. For IPv6 alone set IP=none and IP6.',
    });
  }
  const instance = name ?? ipv4 ?? ipv6;
  if (instance === null) {
    throw new CalicoRrError('E_SETTING', 'IP is "none" and IP6 is not set: this reflector has no address', {
      hint: 'Set IP6=ADDRESS for a reflector of IPv6 alone.',
    });
  }
  return {
    instance,
    engine,
    name,
    ipv4,
    ipv6,
    listenPort: listen.port,
    stateDir: flags.stateDir ?? null,
    http: flags.http === undefined ? null : readEndpoint('--http', flags.http),
    control: readControl(env, flags),
    ...readRenderSettings(env, flags),
    adopt: flags.adopt === true,
    addPaths: readAddPaths(flags.addPaths, engine),
    overLimitSeconds: readOverLimit(flags.overLimit, engine),
    originGuard: readOriginGuard(flags.originGuard),
    minReflectors: readWhole('--min-reflectors', flags.minReflectors, 2, [0, 100]),
    maxSessionLoss: readWhole('--max-session-loss', flags.maxSessionLoss, 25, [0, 100]),
    bird: flags.bird ?? given(env.CALICO_RR_BIRD) ?? 'bird',
    birdSocket: flags.birdSocket === undefined ? null : resolve(flags.birdSocket),
    logLevel: readLogLevel(flags.logLevel),
    cluster: readTopologyOptions(env, flags.calicoVersion),
    routerId: readRouterId(env),
  };
}

/** @throws E_SETTING */
export function readRenderSettings(env: NodeJS.ProcessEnv, flags: RenderFlags): RenderSettings {
  return {
    kernel: flags.kernel !== false,
    acceptPrefixes: readAcceptPrefixes(flags.acceptPrefixes),
    maxPrefixes: readWhole('--max-prefixes', flags.maxPrefixes, 10_000, [1, 100_000_000]),
    // 24 bits in the capability (RFC 9494).
    llgrSeconds: readWhole('--llgr-seconds', flags.llgrSeconds, 3600, [0, 16_777_215]),
    secretsFile: flags.secretsFile ?? given(env.CALICO_RR_SECRETS_FILE),
    secretsNamespace: flags.secretsNamespace ?? null,
  };
}

const DIALECTS: readonly Dialect[] = ['bird2', 'bird1', 'calico-bird'];

/** @throws E_SETTING */
export function readDialect(text: string | undefined): Dialect {
  if (text === undefined) return 'bird2';
  const known = DIALECTS.find((dialect) => dialect === text);
  if (known === undefined) throw wrong('--dialect', `is "${text}", not one of ${DIALECTS.join(', ')}`);
  return known;
}

/** The family whose file is asked for, or null: all. @throws E_SETTING */
export function readFamily(text: string | undefined, dialect: Dialect): Family | null {
  if (text === undefined) return null;
  if (text !== '4' && text !== '6') throw wrong('--family', `is "${text}", not 4 or 6`);
  if (dialect === 'bird2') throw wrong('--family', 'is for BIRD 1: BIRD 2 has both families in one file');
  return text === '4' ? 4 : 6;
}

/**
 * The version of Calico that the nodes run (`v3.12.1`, `3.28`), or null for the latest.
 * @throws E_SETTING where it is no version: taking a typing error for the latest would make one-sided sessions
 */
export function readCalicoVersion(env: NodeJS.ProcessEnv, flag: string | undefined): string | null {
  const text = flag ?? given(env.CALICO_RR_CALICO_VERSION);
  if (text === null) return null;
  const version = text.trim();
  if (/^v?\d+\.\d+(\.\d+)?([-+].*)?$/.test(version)) return version;
  const setting = flag === undefined ? 'CALICO_RR_CALICO_VERSION' : '--calico-version';
  throw wrong(setting, `is "${text}", not a version such as v3.12.1 or 3.28`);
}

/**
 * What Calico's nodes are told about the whole cluster by their environment.
 * @param calicoVersion the flag
 * @throws E_SETTING
 */
export function readTopologyOptions(
  env: NodeJS.ProcessEnv,
  calicoVersion: string | undefined,
): TopologyOptions {
  const version = readCalicoVersion(env, calicoVersion);
  const serviceClusterIps = readClusterIps(env);
  return {
    ...(version === null ? {} : { calicoVersion: version }),
    ...(serviceClusterIps === null ? {} : { serviceClusterIps }),
  };
}

/** Calico takes one range; with two families there are two. */
function readClusterIps(env: NodeJS.ProcessEnv): readonly Prefix[] | null {
  const text = given(env.CALICO_ADVERTISE_CLUSTER_IPS);
  if (text === null) return null;
  return text.split(',').map((item) => {
    const prefix = parsePrefix(item.trim());
    if (prefix !== undefined) return prefix;
    throw wrong('CALICO_ADVERTISE_CLUSTER_IPS', `is "${text}", not a CIDR such as 10.96.0.0/12`);
  });
}

/** What Calico's nodes are told, too. @throws E_SETTING */
function readRouterId(env: NodeJS.ProcessEnv): string | null {
  const text = given(env.CALICO_ROUTER_ID)?.trim() ?? null;
  if (text === null || text === 'hash' || parseClusterId(text) !== undefined) return text;
  throw wrong('CALICO_ROUTER_ID', `is "${text}", neither "hash" nor 32 bits written like an IPv4 address`);
}

/** `ADDRESS:PORT` or `[ADDRESS]:PORT`. @throws E_SETTING */
export function readEndpoint(setting: string, text: string): { host: IpAddress; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = parseAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (host === undefined || port > 65535) {
    throw wrong(setting, `is "${text}", not ADDRESS:PORT (IPv6: [ADDRESS]:PORT)`);
  }
  return { host, port };
}

/** @throws E_SETTING */
function readControl(env: NodeJS.ProcessEnv, flags: RunFlags): ControlSettings | null {
  const { control, controlCert: cert, controlKey: key } = flags;
  if (control === undefined) {
    const idle = Object.entries({ '--control-cert': cert, '--control-key': key }).find(([, given]) => given);
    if (idle !== undefined) throw wrong(idle[0], 'is given without --control');
    return null;
  }
  const { host, port } = readEndpoint('--control', control);
  const tokenFile = flags.controlTokenFile ?? given(env.CALICO_RR_CONTROL_TOKEN_FILE);
  if (tokenFile === null)
    throw wrong('--control-token-file', 'is missing: --control lets nobody in without a token');
  if ((cert === undefined) !== (key === undefined))
    throw wrong(cert === undefined ? '--control-cert' : '--control-key', 'is missing: give both or none');
  if (cert !== undefined && key !== undefined) return { host, port, tokenFile, keyPair: { cert, key } };
  if (host === '::1' || host.startsWith('127.')) return { host, port, tokenFile, keyPair: null };
  throw wrong('--control-cert', `is missing: at ${host} the token would be readable on the network`);
}

function readEngine(flags: RunFlags): RunSettings['engine'] {
  const { engine } = flags;
  if (engine !== undefined && engine !== 'bird' && engine !== 'native') {
    throw wrong('--engine', `is "${engine}", not "bird" or "native"`);
  }
  const others: readonly (readonly [string, unknown])[] = [
    ['--bird', flags.bird],
    ['--bird-socket', flags.birdSocket],
    ['--adopt', flags.adopt],
  ];
  const ofBird = others.find(([, value]) => value !== undefined && value !== false);
  // Who says which BIRD, or whose, wants BIRD.
  if (ofBird === undefined) return engine ?? 'by-role';
  if (engine === 'native') throw wrong(ofBird[0], 'is for --engine bird, and --engine is "native"');
  return 'bird';
}

function readOverLimit(text: string | undefined, engine: RunSettings['engine']): number | null {
  if (text === undefined || text === 'refuse') return null;
  if (engine === 'bird') throw wrong('--over-limit', 'is for our own BGP, and BIRD is the engine');
  if (!/^\d+$/.test(text)) throw wrong('--over-limit', `is "${text}", not "refuse" or a number of seconds`);
  return readWhole('--over-limit', text, 0, [1, 86_400]);
}

/** @throws E_SETTING */
export function readAddPaths(text: string | undefined, engine: 'bird'): Exclude<AddPaths, number>;
export function readAddPaths(text: string | undefined, engine: RunSettings['engine']): AddPaths;
export function readAddPaths(text: string | undefined, engine: RunSettings['engine']): AddPaths {
  if (text === undefined) return DEFAULT_ADD_PATHS;
  if (text === 'off' || text === 'receive' || text === 'all') return text;
  if (!/^\d+$/.test(text)) {
    throw wrong('--add-paths', `is "${text}", not "off", "receive", "all" or a number of paths`);
  }
  if (engine === 'bird') {
    throw wrong(
      '--add-paths',
      'has a number, which is for our own BGP: BIRD tells one path ("receive") or "all"',
    );
  }
  return readWhole('--add-paths', text, 0, [2, 255]);
}

function readOriginGuard(text: string | undefined): RunSettings['originGuard'] {
  if (text === undefined || text === 'off') return 'off';
  if (text !== 'log' && text !== 'enforce') {
    throw wrong('--origin-guard', `is "${text}", not "off", "log" or "enforce"`);
  }
  return text;
}

function readListen(texts: readonly string[]): {
  ipv4: IpAddress | null;
  ipv6: IpAddress | null;
  port: number | null;
} {
  const found: { ipv4: IpAddress | null; ipv6: IpAddress | null; port: number | null } = {
    ipv4: null,
    ipv6: null,
    port: null,
  };
  for (const text of texts) {
    const { host, port } = readEndpoint('--listen', text);
    const family = familyOf(host) === 4 ? 'ipv4' : 'ipv6';
    if (found[family] !== null) throw wrong('--listen', 'names two addresses of one family');
    if (found.port !== null && found.port !== port) throw wrong('--listen', 'names two different ports');
    if (port === 0) throw wrong('--listen', 'names port 0; peers must know the port');
    if (!isSpeakerAddress(host)) {
      throw wrong('--listen', `is "${text}"; it must be the address that peers know this reflector by`);
    }
    found[family] = host;
    found.port = port;
  }
  return found;
}

/** How calico/node may be told to look for its address; with a name, the address is the one that it then stored. */
const AUTODETECTED =
  /^(autodetect|first-found|can-reach=.*|interface=.*|skip-interface=.*|cidr=.*|kubernetes-internal-ip)$/i;

function readAddress(
  env: NodeJS.ProcessEnv,
  variable: 'IP' | 'IP6',
  family: 4 | 6,
  name: string | null,
): IpAddress | null {
  const text = given(env[variable]);
  if (text === null || saysNone(text)) return null;
  if (name !== null && AUTODETECTED.test(text.trim())) return null;
  const address = parseAddress(text.trim());
  if (address === undefined) throw wrong(variable, `is "${text}", not an IPv${family} address`);
  if (familyOf(address) !== family) {
    throw wrong(variable, `is "${text}", an IPv${familyOf(address)} address; it takes IPv${family}`);
  }
  if (!isSpeakerAddress(address)) {
    throw wrong(variable, `is "${text}"; it must be the address that peers know this reflector by`);
  }
  return address;
}

function saysNone(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'none';
}

function given(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text;
}

function readAcceptPrefixes(text: string | undefined): 'any' | 'pools' {
  if (text === undefined || text === 'any') return 'any';
  if (text === 'pools') return 'pools';
  throw wrong('--accept-prefixes', `is "${text}", not "any" or "pools"`);
}

export function readLogLevel(text: string | undefined): string {
  if (text === undefined) return 'info';
  if (LOG_LEVELS.includes(text)) return text;
  throw wrong('--log-level', `is "${text}", not one of ${LOG_LEVELS.join(', ')}`);
}

/** A whole number within bounds. @throws E_SETTING */
export function readWhole(
  setting: string,
  text: string | undefined,
  fallback: number,
  [least, most]: readonly [number, number],
): number {
  if (text === undefined) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wrong(setting, `is "${text}", not a whole number from ${least} to ${most}`);
}

function wrong(setting: string, what: string): CalicoRrError {
  return new CalicoRrError('E_SETTING', `${setting} ${what}`, {
    hint: `Correct ${setting} and start again.`,
  });
}
