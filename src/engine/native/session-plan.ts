/**
 * From a SpeakerConfig's session to what the native engine runs: settings of its transport, its identity as a source of
 * routes, its policy. Where two plans differ says what has to be done to a session that is up.
 *
 * Timers are those of the BIRD engine (bird/session-block.ts), for the same reasons; but the first error is waited for
 * a tenth of a second only, since whoever waits refuses its peer, and a peer that restarts is back at once.
 */
import { formatPrefix, type Negotiated, parseAddress, parseRouterId } from '../../bgp/index.ts';
import { type Family, parsePrefix as toPrefix } from '../../model/address.ts';
import type { Problem } from '../../model/problem.ts';
import type { SessionConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { addPathMode, pathsTold } from '../add-paths.ts';
import { acceptedPrefixes } from '../bird/prefix-bounds.ts';
import { localAddressOf, maxPrefixesOf } from '../bird/session-block.ts';
import type { OriginGuard } from '../engine.ts';
import { nodeToJudge } from '../foreign-origin.ts';
import type { NativeOptions } from './options.ts';
import type { PeerIdentity, PeerPolicy } from './peer.ts';
import type { PeerSettings } from './peer-link.ts';
import { exportTerms } from './policy/export-policy.ts';
import { compileBound, compileImport, type TierBound } from './policy/import-policy.ts';
import type { AttributeSets } from './rib/attribute-sets.ts';

const HOLD_TIME = 90;
const KEEPALIVE_TIME = 30;

export interface SessionPlan {
  readonly session: SessionConfig;
  readonly identity: PeerIdentity;
  readonly policy: PeerPolicy;
  /** @param restarting we come up again and ask peers to wait for our End-of-RIB (RFC 4724, bit R) */
  readonly settings: (restarting: boolean) => PeerSettings;
  /** Two plans with the same key differ in nothing that a session which is up has to go down for. */
  readonly key: string;
}

/** The guard, as far as an engine that asks it route by route needs it. */
export type OriginJudge = Pick<OriginGuard, 'enforce' | 'faultOf'>;

/** What plans depend on besides their sessions; made once for all of them. */
export interface PlanContext {
  readonly config: SpeakerConfig;
  readonly options: NativeOptions;
  readonly setsOf: (family: Family) => AttributeSets;
  readonly lastChoice: boolean;
  readonly bound: TierBound | null;
  readonly guard: OriginJudge | null;
  /** Two contexts with the same key make the same plans. */
  readonly key: string;
}

export function planContext(
  config: SpeakerConfig,
  options: NativeOptions,
  setsOf: (family: Family) => AttributeSets,
  lastChoice: boolean,
  guard: OriginJudge | null = null,
): PlanContext {
  const { routerId, clusterId, ipv4, ipv6, pools, serviceRanges, filters } = config;
  const bound = compileBound(acceptedPrefixes(config, options));
  const key = JSON.stringify([
    routerId,
    clusterId,
    ipv4,
    ipv6,
    pools,
    serviceRanges,
    filters,
    lastChoice,
    bound?.key,
  ]);
  return { config, options, setsOf, lastChoice, bound, guard, key };
}

export function planSession(
  { config, options, setsOf, lastChoice, bound, guard }: PlanContext,
  session: SessionConfig,
  password: string | undefined,
): SessionPlan {
  const routerId = parseRouterId(config.routerId) ?? 0;
  const localAddress = localAddressOf(config, session) ?? '';
  const clusterId = session.client ? (parseRouterId(session.clusterId ?? config.routerId) ?? routerId) : null;
  const identity: PeerIdentity = {
    name: session.name,
    client: session.client,
    fellow: session.kind === 'reflector',
    peerAs: session.peerAs,
    localAs: session.localAs,
    routerId,
    address: parseAddress(session.peerAddress) ?? new Uint8Array(4),
    clusterId,
    ownClusterId: clusterId ?? parseRouterId(config.clusterId ?? config.routerId) ?? routerId,
  };
  const policy: PeerPolicy = {
    imports: compileImport(config, session, bound, setsOf(session.family)),
    allowLocalAs: session.allowLocalAs,
    most: maxPrefixesOf(config, options, session),
    overLimitSeconds: options.overLimitSeconds,
    originFault: originFaultOf(session, guard),
    refuseForeign: guard?.enforce === true,
    terms: (negotiated: Negotiated) =>
      exportTerms(
        config,
        session,
        negotiated,
        localAddress,
        clusterId,
        lastChoice,
        pathsTold(options.addPaths),
      ),
  };
  const settings = (restarting: boolean): PeerSettings => ({
    name: session.name,
    peerAddress: session.peerAddress,
    peerPort: session.peerPort,
    sourceAddress: localAddress,
    password: password ?? null,
    ttlSecurityHops: session.ttlSecurityHops,
    // As with BIRD's `multihop`: reflectors are rarely in one subnet with their peers.
    direct: false,
    session: {
      offer: {
        localAs: session.localAs,
        peerAs: session.peerAs,
        routerId,
        ...timersOf(session),
        families: [
          {
            family: session.family,
            addPath: addPathMode(options.addPaths),
            ipv6NextHop: session.family === 4,
            // A reflector forwards nothing, so nothing stops being forwarded when it restarts.
            forwarding: true,
            longLivedSeconds: options.llgrSeconds === 0 ? null : options.llgrSeconds,
          },
        ],
        extendedMessages: true,
        gracefulRestart: { seconds: session.gracefulRestartSeconds, restarting, notification: true },
      },
      passive: session.passive,
      connectDelaySeconds: 1,
      connectRetrySeconds: 5,
      delayOpenSeconds: 0,
      idleHold: { first: 0.1, longest: 10 },
      forgetErrorsSeconds: 300,
      sendHoldSeconds: null,
    },
  });
  return {
    session,
    identity,
    policy,
    settings,
    key: JSON.stringify([settings(false), [...identity.address], identity]),
  };
}

function originFaultOf(session: SessionConfig, guard: OriginJudge | null): PeerPolicy['originFault'] {
  const node = nodeToJudge(session);
  if (guard === null || node === null) return null;
  return (address, length) => {
    const prefix = toPrefix(formatPrefix({ family: session.family, address, length }));
    return prefix === undefined ? null : guard.faultOf(node, prefix);
  };
}

function timersOf(session: SessionConfig): {
  readonly holdSeconds: number;
  readonly keepaliveSeconds: number;
} {
  const { holdTimeSeconds } = session;
  const keepaliveSeconds =
    session.keepaliveSeconds ??
    (holdTimeSeconds === null ? KEEPALIVE_TIME : Math.max(1, Math.floor(holdTimeSeconds / 3)));
  // A keepalive that Calico sets beyond ours still has to come three times within the hold time.
  return { keepaliveSeconds, holdSeconds: holdTimeSeconds ?? Math.max(HOLD_TIME, keepaliveSeconds * 3) };
}

/** What this engine has against a session that BIRD would have too, told in words; undefined: nothing. */
export function faultOf(session: SessionConfig): Problem | undefined {
  const because = whyNot(session);
  if (because === undefined) return undefined;
  return {
    code: 'engine-refused',
    severity: 'error',
    subject: session.because,
    message: `session ${session.name}: ${because}`,
    hint: 'The rest was applied without it; it is tried again when it changes.',
  };
}

function whyNot(session: SessionConfig): string | undefined {
  if (session.client && session.peerAs !== session.localAs) {
    return `a client in AS ${session.peerAs} cannot be reflected to from AS ${session.localAs} (RFC 4456 reflects within one AS)`;
  }
  const { ttlSecurityHops } = session;
  if (ttlSecurityHops !== null && (ttlSecurityHops < 1 || ttlSecurityHops > 255)) {
    return `TTL security for ${ttlSecurityHops} hops, it must be 1 to 255`;
  }
  return undefined;
}
