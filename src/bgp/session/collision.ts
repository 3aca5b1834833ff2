/**
 * Two connections between the same two speakers, and which one stays: RFC 4271 section 6.8, with the rule for equal
 * identifiers of RFC 6286 section 2.3; a new connection in the place of a dead one, RFC 4724 section 5.
 */
import type { Negotiated } from '../negotiate.ts';
import { ProtocolError } from '../protocol-error.ts';
import {
  type ConnectionEvent,
  dismissRival,
  machineOf,
  onConnection,
  onFirst,
  onSecond,
  rivalOf,
  type Session,
  type SessionStep,
} from './connections.ts';
import type { Connection, Effect } from './effects.ts';
import { type Fsm, IDLE, toIdle } from './fsm.ts';
import { acceptOpenYielding, agree } from './opening.ts';
import type { SessionSettings } from './settings.ts';

/**
 * The connection that is kept when both OPENs of one arrive while the other is in OpenConfirm: the one that the
 * speaker with the higher BGP Identifier opened; of equal identifiers, the one with the higher AS number. Both sides
 * come to the same answer whatever the order in which they see things.
 */
export function collisionWinner({ localRouterId, peerRouterId, localAs, peerAs }: Negotiated): Connection {
  if (localRouterId !== peerRouterId) return localRouterId > peerRouterId ? 'outgoing' : 'incoming';
  return localAs > peerAs ? 'outgoing' : 'incoming';
}

function refuseConnection(session: Session, because: string): SessionStep {
  return { session, effects: [{ do: 'refuse', because }] };
}

/**
 * Event 11. Where the KEEPALIVE was held back, this connection has waited long enough; a rival that is as far did not get
 * any further meanwhile and loses to it.
 */
export function keepaliveDue(
  settings: SessionSettings,
  session: Session,
  connection: Connection,
): SessionStep {
  const event = { type: 'keepalive-expired' } as const;
  const mine = machineOf(session, connection);
  if (mine === null || mine.yielding === 'no' || rivalOf(session, connection)?.state !== 'OpenConfirm') {
    return onConnection(settings, session, connection, event);
  }
  const alone = dismissRival(settings, session, connection);
  const step = onConnection(settings, alone.session, connection, event);
  return { session: step.session, effects: [...alone.effects, ...step.effects] };
}

/**
 * Event 17, for the machine that it concerns. A peer that has said nothing on its connection and opens another has given
 * that one up, or died on it: without a word we would wait for its OPEN for minutes, and refuse it for as long.
 */
export function accept(settings: SessionSettings, session: Session): SessionStep {
  const { first, second, running } = session;
  if (!running || first.state === 'Idle') {
    return refuseConnection(session, running ? 'waiting after an error' : 'the session is not started');
  }
  if (first.state === 'Established') return replace(settings, session);
  const accepted: Effect = { do: 'accept' };
  const known = second ?? (first.connection === 'incoming' ? first : null);
  if (known !== null) {
    if (known.negotiated !== null) {
      return refuseConnection(session, 'there is such a connection already');
    }
    const close: Effect = { do: 'close', connection: 'incoming' };
    const again: Fsm = { ...IDLE, state: 'Active' };
    const event = { type: 'accepted' } as const;
    const step =
      second === null
        ? onFirst(settings, { ...session, first: again }, event)
        : onSecond(settings, { ...session, second: again }, event);
    return { session: step.session, effects: [close, accepted, ...step.effects] };
  }
  if (first.state === 'Active' && first.connection === null) {
    const step = onFirst(settings, session, { type: 'accepted' });
    return { session: step.session, effects: [accepted, ...step.effects] };
  }
  const waiting: Fsm = { ...IDLE, state: 'Active' };
  const step = onSecond(settings, { ...session, second: waiting }, { type: 'accepted' });
  return { session: step.session, effects: [accepted, ...step.effects] };
}

/**
 * RFC 4724 section 5: a new connection from a peer with graceful restart ends the old one, silently, because the peer
 * has restarted without our noticing. From any other peer it is refused (RFC 4271 section 6.8, Established).
 */
function replace(settings: SessionSettings, session: Session): SessionStep {
  const { negotiated } = session.first;
  if (negotiated === null || negotiated.gracefulRestart === null) {
    return refuseConnection(session, 'the session is Established');
  }
  const old = toIdle(session.first, { kind: 'replaced' }, false);
  const waiting: Session = { ...session, first: { ...IDLE, state: 'Active' }, lastEnd: { kind: 'replaced' } };
  const step = onFirst(settings, waiting, { type: 'accepted' });
  return { session: step.session, effects: [...old.effects, { do: 'accept' }, ...step.effects] };
}

/**
 * An OPEN, where there may be a rival: one in OpenConfirm is judged by identifiers; one that still dials gives up; one in
 * OpenSent will be judged when its own OPEN is there, and until then this connection does nothing hasty.
 *
 * Nor does it after a rival that we dialled and that has to go: the system of the peer may have taken that connection long
 * before the peer looks at it. Were this one Established by then, a peer with graceful restart would take the other for
 * our restart. The peer's OPEN on the rival, or the rival's end, shows that the peer has seen it.
 *
 * Nor beside a rival on which our KEEPALIVE went out before this connection was known. This one wins, but the peer may
 * be Established there already, with its KEEPALIVE still under way: then this one is the newer connection, and closed. A
 * peer that comes to the RFC's answer closes the rival; where it does neither in a moment, we do.
 */
export function collide(
  settings: SessionSettings,
  session: Session,
  event: Extract<ConnectionEvent, { type: 'open' }>,
): SessionStep {
  const rival = rivalOf(session, event.connection);
  const agreed = rival === null ? null : agree(settings, event.open);
  if (rival === null || agreed === null || agreed instanceof ProtocolError) {
    return onConnection(settings, session, event.connection, event);
  }
  const wins = collisionWinner(agreed) === event.connection;
  const waiting = machineOf(session, event.connection)?.state === 'OpenSent';
  if (rival.state === 'OpenSent') {
    return waiting && (!wins || rival.connection === 'outgoing')
      ? yieldTo(session, event.connection, agreed)
      : onConnection(settings, session, event.connection, event);
  }
  const loses = rival.state === 'Established' || (rival.state === 'OpenConfirm' && !wins);
  if (loses) return onConnection(settings, session, event.connection, { type: 'collision-lost' });
  if (rival.state === 'OpenConfirm' && rival.yielding === 'no' && waiting) {
    return yieldTo(session, event.connection, agreed);
  }
  const alone = dismissRival(settings, session, event.connection);
  const step =
    rival.state === 'Connect' && waiting
      ? yieldTo(alone.session, event.connection, agreed)
      : onConnection(settings, alone.session, event.connection, event);
  return { session: step.session, effects: [...alone.effects, ...step.effects] };
}

/**
 * This connection is not Established yet, whatever the peer sends. Mostly it will lose as soon as the OPEN of its rival is
 * there: a KEEPALIVE on it now would take the peer to Established for just as long as that OPEN is under way, and then
 * the session would go down, routes and all. So it waits for a moment; where the rival turns out to be dead, it goes on.
 */
function yieldTo(session: Session, connection: Connection, agreed: Negotiated): SessionStep {
  const { fsm, effects } = acceptOpenYielding(connection, agreed);
  const onSecondOne = session.second?.connection === connection;
  return { session: onSecondOne ? { ...session, second: fsm } : { ...session, first: fsm }, effects };
}
