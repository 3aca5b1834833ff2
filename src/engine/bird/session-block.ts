/**
 * One session as a `protocol bgp` block. Pure, and cached by the session's object: the topology hands out the
 * same object for an unchanged session, so of 2,500 clients only the changed one is written anew.
 *
 * Timers. Calico's own template says connect delay 2, connect retry 5, error wait 5,30 where BIRD defaults to
 * 5, 120 and 60,300. Ours are shorter still (1, 5, 1,10), because while a speaker waits after an error it
 * refuses its peer's connection too: a reflector that restarts must not find its clients asleep, as its routes
 * live on their restart timers meanwhile. The cost is one SYN every 5 s to each peer that is away.
 *
 * A reflector leaves the first word to its clients, and of two reflectors the one with the lower address to the other:
 * where both dial at once, a BIRD may see its session established on one connection while the other wins the
 * collision. With graceful restart it takes that for a second restart of its peer, and drops the routes that it
 * still kept from the first.
 */
import type { Family, IpAddress } from '../../model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { filterSummary } from './bgp-filter.ts';
import { inChannel } from './channel.ts';
import { oneLine } from './comment.ts';
import { exportRule, importRule } from './filters.ts';
import type { ResolvedRenderOptions } from './options.ts';
import { originNumber } from './origin-tables.ts';

/** Seconds; Calico sets others where it wants them (keepaliveTime). BIRD's own are 240 and 80. */
const HOLD_TIME = 90;
const KEEPALIVE_TIME = 30;

export const MASKED_PASSWORD = '********';

interface Cached {
  readonly context: string;
  readonly password: string | undefined;
  /** Of its node, for the origin guard. */
  readonly number: number | null;
  readonly text: string;
}

/** What a session's text depends on besides the session, as one string to compare. */
export function contextOf(config: SpeakerConfig, options: ResolvedRenderOptions): string {
  const { role, forwards, ipv4, ipv6, listenPort, pools, serviceRanges } = config;
  const { maxPrefixes, llgrSeconds, addPaths, drain, acceptPrefixes, dialect, origins } = options;
  const filters = filterSummary(config);
  const enforce = origins?.enforce;
  return JSON.stringify({
    ...{ role, forwards, ipv4, ipv6, listenPort, pools, serviceRanges, filters },
    ...{ maxPrefixes, llgrSeconds, addPaths, drain, acceptPrefixes, dialect, enforce },
  });
}

const cache = new WeakMap<SessionConfig, Cached>();

/**
 * @param context `contextOf(config, options)`, made once for all sessions
 * @param password the password, already judged fit for BIRD; undefined: there is none
 */
export function sessionBlock(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  context: string,
  session: SessionConfig,
  password: string | undefined,
): string {
  const known = cache.get(session);
  const number = originNumber(options.origins, session);
  if (known?.context === context && known.password === password && known.number === number) return known.text;
  const text = render(config, options, session, password);
  cache.set(session, { context, password, number, text });
  return text;
}

/** Our address for this session, or null where we have none of its family. */
export function localAddressOf(config: SpeakerConfig, session: SessionConfig): IpAddress | null {
  return session.sourceAddress ?? ownAddress(config, session.family);
}

function ownAddress(config: SpeakerConfig, family: Family): IpAddress | null {
  return family === 4 ? config.ipv4 : config.ipv6;
}

function render(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  session: SessionConfig,
  password: string | undefined,
): string {
  const peer = session.peerName === null ? '' : ` (${session.peerName})`;
  const lines = [
    `# ${oneLine(`${session.kind}${peer}: ${session.because}`)}`,
    `protocol bgp ${session.name} {`,
    ...(options.drain === 'stopped' ? ['  disabled yes;'] : []),
    ...endpoints(config, options, session),
    ...(session.ttlSecurityHops === null
      ? ['  multihop;']
      : [`  multihop ${session.ttlSecurityHops};`, '  ttl security on;']),
    ...(session.passive ? ['  passive on;'] : []),
    ...(session.client ? ['  rr client;'] : []),
    ...(session.client && session.clusterId !== null ? [`  rr cluster id ${session.clusterId};`] : []),
    ...(password === undefined ? [] : [`  password "${password}";`]),
    ...(session.allowLocalAs > 0 ? [`  allow local as ${session.allowLocalAs};`] : []),
    ...timers(config, session),
    ...gracefulRestart(config, options, session),
    '  deterministic med on;',
    ...inChannel(options, session.family, [
      importRule(config, options, session),
      exportRule(config, options, session),
      ...limit(config, options, session),
      ...nextHop(config, session),
      ...addPaths(options),
    ]),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Strictly its own address: many speakers may share a machine. Free bind: BIRD disables a session for good when its
 * address is not there yet, as an IPv6 address under duplicate detection is at boot. BIRD 1 knows neither, and listens
 * for all sessions at once (`listen bgp`).
 */
function endpoints(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  session: SessionConfig,
): readonly string[] {
  const own = localAddressOf(config, session);
  const peer = `  neighbor ${session.peerAddress} port ${session.peerPort} as ${session.peerAs};`;
  if (options.dialect !== 'bird2') return [`  local ${own} as ${session.localAs};`, peer];
  return [
    `  local ${own} port ${config.listenPort} as ${session.localAs};`,
    peer,
    '  strict bind yes;',
    '  free bind yes;',
  ];
}

function timers(config: SpeakerConfig, session: SessionConfig): readonly string[] {
  const keepalive =
    session.keepaliveSeconds ??
    (session.holdTimeSeconds === null
      ? KEEPALIVE_TIME
      : Math.max(1, Math.floor(session.holdTimeSeconds / 3)));
  // A keepalive that Calico sets beyond ours still has to come three times within the hold time.
  const hold = session.holdTimeSeconds ?? Math.max(HOLD_TIME, keepalive * 3);
  return [
    `  connect delay time ${leavesFirstWord(config, session) ? 5 : 1};`,
    '  connect retry time 5;',
    '  error wait time 1, 10;',
    '  startup hold time 60;',
    `  hold time ${hold};`,
    `  keepalive time ${keepalive};`,
  ];
}

function leavesFirstWord(config: SpeakerConfig, session: SessionConfig): boolean {
  if (config.role === 'node') return false;
  if (session.client) return true;
  return session.kind === 'reflector' && String(localAddressOf(config, session)) < session.peerAddress;
}

function gracefulRestart(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  session: SessionConfig,
): readonly string[] {
  const restart =
    session.gracefulRestartSeconds > 0
      ? ['  graceful restart on;', `  graceful restart time ${session.gracefulRestartSeconds};`]
      : ['  graceful restart aware;'];
  // A node announces no LLGR of its own and helps the reflectors that do: BIRD's default, "aware".
  if (config.forwards) return restart;
  if (options.llgrSeconds === 0) return [...restart, '  long lived graceful restart off;'];
  return [...restart, '  long lived graceful restart on;', `  long lived stale time ${options.llgrSeconds};`];
}

/** RFC 7911. What BIRD tells to who takes several paths is every route that it would tell if it were the used one. */
function addPaths({ addPaths: which }: ResolvedRenderOptions): readonly string[] {
  switch (which) {
    case 'off':
      return [];
    case 'receive':
      return ['add paths rx;'];
    case 'all':
      return ['add paths on;'];
    default:
      return which satisfies never;
  }
}

/**
 * Fellow reflectors are not bounded: together they hold everybody's routes. Of who is judged BIRD keeps what it refuses,
 * too, so that we see it; of that no more than is taken.
 */
function limit(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  session: SessionConfig,
): readonly string[] {
  const most = maxPrefixesOf(config, options, session);
  const isJudged = originNumber(options.origins, session) !== null;
  return [
    ...(most === null ? [] : [`import limit ${most} action block;`]),
    ...(isJudged ? ['import keep filtered on;', 'rpki reload off;'] : []),
    ...(isJudged && most !== null ? [`receive limit ${2 * most} action block;`] : []),
  ];
}

/** Routes taken from this session at most, or null for no limit. */
export function maxPrefixesOf(
  config: SpeakerConfig,
  options: Pick<ResolvedRenderOptions, 'maxPrefixes'>,
  session: SessionConfig,
): number | null {
  if (session.maxPrefixes !== null) return session.maxPrefixes;
  return config.forwards || session.kind === 'reflector' ? null : options.maxPrefixes;
}

/**
 * A plain node passes on only what is its own, so `auto` names itself as the next hop, as Calico nodes do. A node
 * that reflects leaves the next hop of what it reflects alone, and BIRD names it for its own routes and towards
 * eBGP. A dedicated reflector forwards nothing: `auto` leaves the next hop alone, also towards eBGP, where BIRD
 * would otherwise name the reflector and draw traffic into a host without routes.
 */
function nextHop(config: SpeakerConfig, session: SessionConfig): readonly string[] {
  if (session.nextHop === 'self') return ['next hop self;'];
  if (session.nextHop === 'keep') return ['next hop keep;'];
  if (config.role === 'node') return ['next hop self;'];
  return config.forwards || session.peerAs === session.localAs ? [] : ['next hop keep;'];
}
