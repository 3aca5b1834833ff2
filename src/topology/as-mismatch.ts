/** Two AS numbers that should be one: what each end says, and what to change. */
import type { AsNumber } from '../model/as-number.ts';
import type { BgpPeer } from '../model/bgp-peer.ts';
import type { Problem } from '../model/problem.ts';
import type { ReflectorPeer } from '../model/route-reflector.ts';
import type { SessionConfig } from './speaker-config.ts';

interface Speaker {
  readonly name: string;
  readonly asNumber: AsNumber;
}

function mismatch(subject: string, message: string, hint: string): Problem {
  return { code: 'as-mismatch', severity: 'warning', subject, message, hint };
}

/** Two reflectors of one group. */
export function fellowMismatch(session: SessionConfig): Problem {
  return mismatch(
    session.because,
    `It has AS ${session.peerAs}, this reflector of its group AS ${session.localAs}: ${session.name} runs as eBGP.`,
    'Give all reflectors of a group one asNumber, or put them into groups of their own.',
  );
}

/** A reflector and a node, seen from the reflector: the peer entry states the reflector's AS. */
export function clientMismatch(session: SessionConfig, peer: BgpPeer): Problem {
  const { name, localAs, peerAs, peerName } = session;
  return mismatch(
    `BGPPeer/${peer.name}`,
    `It gives this reflector AS ${localAs}, but Node/${peerName} has AS ${peerAs}: ${name} runs as plain eBGP, not as a client.`,
    `Set its asNumber to ${peerAs}, or that of Node/${peerName} (or BGPConfiguration/default, where the node names none) to ${localAs}.`,
  );
}

/** The same, seen from the node. */
export function reflectorMismatch(session: SessionConfig, node: string, reflector: string): Problem {
  const { name, localAs, peerAs } = session;
  return mismatch(
    session.because,
    `It gives RouteReflector/${reflector} AS ${peerAs}, but Node/${node} has AS ${localAs}: ${name} runs as plain eBGP, not as a client.`,
    `Set its asNumber to ${localAs}, or that of Node/${node} to ${peerAs}.`,
  );
}

/**
 * A reflector and a peer of an entry. One that is told another AS than the other end has is configured as told:
 * nobody's AS is guessed at.
 * @param speaker the Node or RouteReflector at the other end, where it is one
 * @param reverse what that reflector's entry says of this one, where it says something
 */
export function externalMismatches(
  session: SessionConfig,
  speaker: Speaker | undefined,
  reverse: ReflectorPeer | undefined,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (speaker !== undefined && speaker.asNumber !== session.peerAs) {
    problems.push(
      mismatch(
        session.because,
        `It gives ${session.peerAddress} AS ${session.peerAs}, but ${speaker.name} has AS ${speaker.asNumber}: the session cannot come up.`,
        `Set asNumber of this peer to ${speaker.asNumber}, or leave it out.`,
      ),
    );
  }
  if (speaker !== undefined && reverse?.asNumber && reverse.asNumber !== session.localAs) {
    problems.push(
      mismatch(
        `RouteReflector/${speaker.name}`,
        `It expects AS ${reverse.asNumber} at ${session.sourceAddress}, but that reflector has AS ${session.localAs}: the session cannot come up.`,
        `Set asNumber of that peer to ${session.localAs}, or leave it out.`,
      ),
    );
  }
  return problems;
}
