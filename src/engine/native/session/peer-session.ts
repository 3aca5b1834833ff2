/**
 * A session with one peer, alive: it carries out what the state machine of src/bgp asks for, on connections and timers
 * that come from outside, and tells the engine what came of it.
 *
 * Hold time is judged by arrivals. Octets that wait to be worked off count from when they came, and before a peer is
 * given up for silent its socket is looked at once more: after a pause of our own (a suspended machine, a long
 * computation) timers come due before anybody has read what arrived meanwhile.
 */
import {
  CEASE,
  type Connection,
  decodeNotification,
  decodeOpen,
  decodeRouteRefresh,
  decodeUpdate,
  type Effect,
  ERROR,
  type Frame,
  LONGEST_MESSAGE,
  newSession,
  ProtocolError,
  type Session,
  type SessionEvent,
  type SessionTimer,
  sessionState,
  stepSession,
  updateContext,
  withJitter,
} from '../../../bgp/index.ts';
import { messageOf } from '../../../model/errors.ts';
import type { Network, Offered, Wire, WireEvents } from '../net/network.ts';
import type { PeerCounters, PeerEvents, PeerLink, PeerSettings } from '../peer-link.ts';
import { errorText, noAnswer } from './cause-text.ts';
import { CONNECTION_TIMERS, createLine, type Line, type LineEvents, type LineHost } from './line.ts';
import { createMalformedUpdates, type MalformedUpdate } from './malformed-updates.ts';
import { countMessages } from './message-count.ts';
import { type WheelTimer, wheelTimer } from './timer-wheel.ts';

export interface SessionHost extends LineHost {
  readonly network: Network;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** Something that a session cannot say of itself, such as a fault of our own. */
  readonly report: (session: string, what: string, error: unknown) => void;
  /** Something was wrong with an UPDATE of its peer, and the session survived it. */
  readonly malformed: (session: string, malformed: MalformedUpdate) => void;
}

export interface PeerSession {
  readonly link: Omit<PeerLink, 'updateSettings' | 'close'>;
  readonly settings: PeerSettings;
  updateSettings(settings: PeerSettings): void;
  /** A connection of this peer has come in. */
  offered(connection: Offered): void;
  /** Resolves when connections that were ended politely are gone. */
  finished(): Promise<void>;
  /** Ends everything at once, without a word to peer or engine. */
  abandon(): void;
}

/**
 * A connection that comes in so soon after the session came up is what is left of a collision (RFC 4271 section 6.8) and
 * not a peer that has restarted unnoticed (RFC 4724 section 5). To take it for that would end a session that has just
 * begun, and with it the routes that outlived a restart.
 */
const COLLISION_MS = 5_000;

/** Looks at a peer's progress within a send hold time. */
const SEND_HOLD_LOOKS = 16;

/** How long a backlog may keep a hold timer from being judged again. */
const LOOK_AGAIN_MS = 1_000;

export function createPeerSession(host: SessionHost, initial: PeerSettings, events: PeerEvents): PeerSession {
  const { clock, wheel } = host;
  const { name } = initial;
  /** In force, and wanted: an OPEN that was sent binds us until the peer's has answered it. */
  let settings = initial;
  let wanted = initial;
  let session: Session = newSession(initial.session);
  let since = clock.wallClock();
  let lastError: { readonly text: string; readonly at: number } | null = null;
  let offer: Offered | null = null;
  /** The connection that is Established. */
  let established: Line | null = null;
  let establishedAt = 0;
  let over = false;
  const lines = new Map<Connection, Line>();
  const timers = new Map<SessionTimer, WheelTimer>();
  const finishing = new Map<Wire, Promise<void>>();
  const malformed = createMalformedUpdates(clock, (one) => host.malformed(name, one));
  const counters: { -readonly [Name in keyof PeerCounters]: PeerCounters[Name] } = {
    messagesIn: 0,
    messagesOut: 0,
    octetsIn: 0,
    octetsOut: 0,
    updatesIn: 0,
    established: 0,
    treatedAsWithdraw: 0,
    attributesDiscarded: 0,
  };

  const step = (event: SessionEvent): void => {
    if (over) return;
    const before = session;
    const stateBefore = sessionState(before);
    const result = stepSession(settings.session, session, event);
    session = result.session;
    // The engine is told when all is done, because it may answer with a step of its own.
    const tell: (() => void)[] = [];
    for (const effect of result.effects) carryOut(effect, tell);
    if (sessionState(session) !== stateBefore) since = clock.wallClock();
    if (session.lastEnd !== null && session.lastEnd !== before.lastEnd) note(errorText(session.lastEnd));
    if (wanted !== settings && !bound()) settings = wanted;
    for (const call of tell) guarded(call);
  };

  const note = (text: string | null): void => {
    if (text !== null) lastError = { text, at: clock.wallClock() };
  };

  /** Our OPEN is out and the peer's is awaited. */
  const bound = (): boolean => session.first.state === 'OpenSent' || session.second?.state === 'OpenSent';

  /** A fault of the engine's ends this session and no other. */
  const guarded = (call: () => void): void => {
    try {
      call();
    } catch (error) {
      giveUp(established, error);
    }
  };

  const giveUp = (line: Line | null, error: unknown): void => {
    host.report(name, 'a fault of our own ended the session', error);
    if (line === null) return;
    const what = `a fault of our own: ${messageOf(error)}`;
    const failure = new ProtocolError(ERROR.cease, CEASE.outOfResources, what);
    step({ type: 'protocol-error', connection: line.connection, error: failure });
  };

  const carryOut = (effect: Effect, tell: (() => void)[]): void => {
    switch (effect.do) {
      case 'dial':
        attach('outgoing', (wire) => host.network.dial(settings, wire));
        return;
      case 'accept': {
        const taken = offer;
        offer = null;
        if (taken !== null) attach('incoming', (wire) => taken.take(settings, wire));
        return;
      }
      case 'refuse':
        offer?.turnAway();
        offer = null;
        return;
      case 'send':
        counters.messagesOut++;
        counters.octetsOut += effect.message.length;
        lines.get(effect.connection)?.wire.write([effect.message]);
        return;
      case 'close': {
        const line = lines.get(effect.connection);
        if (line !== undefined) detach(line);
        return;
      }
      case 'start-timer': {
        const ms = (effect.jitter ? withJitter(effect.seconds, host.random()) : effect.seconds) * 1_000;
        if (effect.connection === null) wheel.start(timerOf(effect.timer), ms);
        else {
          const line = lines.get(effect.connection);
          line?.startTimer(effect.timer, ms);
          if (line !== undefined && effect.timer === 'send-hold') watchSending(line, ms);
        }
        return;
      }
      case 'stop-timer':
        if (effect.connection === null) wheel.stop(timerOf(effect.timer));
        else lines.get(effect.connection)?.stopTimer(effect.timer);
        return;
      case 'agreed': {
        const line = lines.get(effect.connection);
        if (line === undefined) return;
        const { negotiated } = effect;
        line.terms = { negotiated, updates: updateContext(negotiated) };
        if (negotiated.longestReceived > LONGEST_MESSAGE) line.framer.acceptExtendedMessages();
        return;
      }
      case 'up':
        established = lines.get(effect.connection) ?? null;
        establishedAt = clock.now();
        counters.established++;
        tell.push(() => events.up(effect.negotiated));
        return;
      case 'down':
        established = null;
        tell.push(() => events.down(effect.cause, effect.retained));
        return;
      default:
        effect satisfies never;
    }
  };

  const timerOf = (timer: SessionTimer): WheelTimer => {
    const known = timers.get(timer);
    if (known !== undefined) return known;
    const made = wheelTimer(() => {
      // Of a dial that is given up nothing else tells.
      if (timer === 'connect-retry' && session.first.state === 'Connect') note(noAnswer(settings));
      step({ type: 'timer', timer });
    });
    timers.set(timer, made);
    return made;
  };

  const attach = (connection: Connection, open: (events: WireEvents) => Wire): void => {
    lines.set(connection, createLine(host, connection, open, lineEvents));
  };

  const detach = (line: Line): void => {
    lines.delete(line.connection);
    line.inbox.drop();
    for (const timer of CONNECTION_TIMERS) line.stopTimer(timer);
    const { wire } = line;
    const finished = wire.finish().finally(() => finishing.delete(wire));
    finishing.set(wire, finished);
  };

  const lineEvents = (line: Line): LineEvents => {
    const mine = (): boolean => lines.get(line.connection) === line;
    return {
      connected() {
        if (mine()) step({ type: 'connected' });
      },
      drained() {
        if (!line.blocked) return;
        line.blocked = false;
        if (established === line) guarded(() => events.drained());
      },
      read(piece, at) {
        counters.octetsIn += piece.length;
        line.reading = at;
        line.heard = false;
        try {
          line.framer.push(piece, (frame) => {
            receive(line, frame);
            return mine();
          });
        } catch (error) {
          if (error instanceof ProtocolError) {
            step({ type: 'protocol-error', connection: line.connection, error });
          } else giveUp(line, error);
        } finally {
          line.reading = null;
        }
      },
      ended(reason) {
        if (!mine()) return;
        note(line.terms === null && line.connection === 'outgoing' ? `no connection: ${reason}` : reason);
        step({ type: 'failed', connection: line.connection, detail: reason });
      },
      expired(timer, ms) {
        if (timer === 'hold') judgeSilence(line, ms);
        else if (timer === 'send-hold') judgeStandstill(line, ms);
        else step({ type: 'timer', timer, connection: line.connection });
      },
    };
  };

  /** Nothing was read for the hold time. Has nothing come? */
  const judgeSilence = (line: Line, ms: number): void => {
    const judge = (): boolean => {
      const { newest } = line.inbox;
      if (newest === null) return true;
      wheel.start(line.timer('hold'), Math.max(newest + ms - clock.now(), LOOK_AGAIN_MS));
      return false;
    };
    if (!judge()) return;
    host.turns.soon(() => {
      // What came in the meantime has started it anew, or waits.
      if (lines.get(line.connection) !== line || line.timer('hold').due !== null || !judge()) return;
      step({ type: 'timer', timer: 'hold', connection: line.connection });
    });
  };

  /**
   * RFC 9687. Where nothing waits, nothing stands still. How far the peer is, is looked at several times in a send hold
   * time, so that one that takes a few octets of a large write now and then is not given up.
   */
  const judgeStandstill = (line: Line, ms: number): void => {
    const { taken, waiting } = line.wire;
    if (waiting === 0 || taken !== line.taken) {
      line.taken = taken;
      line.takenAt = clock.now();
    }
    const left = line.takenAt + ms - clock.now();
    if (left > 0) wheel.start(line.timer('send-hold'), Math.min(left, ms / SEND_HOLD_LOOKS));
    else step({ type: 'timer', timer: 'send-hold', connection: line.connection });
  };
  const watchSending = (line: Line, ms: number): void => {
    line.takenAt = clock.now();
    judgeStandstill(line, ms);
  };

  const receive = (line: Line, frame: Frame): void => {
    const { connection, terms } = line;
    const { message } = frame;
    counters.messagesIn++;
    switch (frame.type) {
      case 'open':
        step({ type: frame.type, connection, open: decodeOpen(message) });
        return;
      case 'keepalive':
        step({ type: frame.type, connection });
        return;
      case 'notification':
        step({ type: frame.type, connection, notification: decodeNotification(message) });
        return;
      case 'route-refresh': {
        const refresh = decodeRouteRefresh(message, terms?.negotiated.enhancedRouteRefresh ?? false);
        if (established === line) guarded(() => events.routeRefresh(refresh));
        if (lines.get(connection) === line) step({ type: frame.type, connection });
        return;
      }
      case 'update': {
        counters.updatesIn++;
        if (terms !== null && established === line) {
          const update = decodeUpdate(message, terms.updates);
          if (update.treatedAsWithdraw) counters.treatedAsWithdraw++;
          for (const { action } of update.malformed) {
            if (action === 'attribute-discard') counters.attributesDiscarded++;
          }
          if (update.malformed.length > 0) malformed.note(update, message);
          guarded(() => events.update(update));
          // In Established it only says that the peer is alive, and once for all that came together is enough.
          if (line.heard || established !== line) return;
          line.heard = true;
        }
        step({ type: frame.type, connection });
        return;
      }
      default: {
        frame.type satisfies never;
      }
    }
  };

  return {
    get settings() {
      return wanted;
    },
    link: {
      name,
      status: () => ({
        state: sessionState(session),
        since,
        lastError: lastError?.text ?? null,
        lastErrorAt: lastError?.at ?? null,
        negotiated: session.first.negotiated ?? session.second?.negotiated ?? null,
        get counters() {
          return { ...counters };
        },
      }),
      write(chunks, messages) {
        const line = established;
        if (line === null || chunks.length === 0) return true;
        for (const chunk of chunks) {
          counters.octetsOut += chunk.length;
          if (messages === undefined) counters.messagesOut += countMessages(chunk);
        }
        counters.messagesOut += messages ?? 0;
        if (line.wire.write(chunks)) return true;
        line.blocked = true;
        return false;
      },
      start: () => step({ type: 'start' }),
      stop: (notification) => step({ type: 'stop', notification }),
      automaticStop: (notification, restartSeconds) =>
        step({ type: 'automatic-stop', notification, restartSeconds }),
    },
    updateSettings(next) {
      wanted = next;
      if (!bound()) settings = next;
    },
    offered(connection) {
      const justUp = established !== null && clock.now() - establishedAt < COLLISION_MS;
      if (over || justUp) {
        connection.turnAway();
        return;
      }
      const objection = connection.objection(settings);
      if (objection !== null) {
        note(objection);
        connection.turnAway();
        return;
      }
      offer = connection;
      step({ type: 'accepted' });
    },
    finished: async () => void (await Promise.all(finishing.values())),
    abandon() {
      over = true;
      established = null;
      for (const timer of timers.values()) wheel.stop(timer);
      for (const line of lines.values()) {
        line.inbox.drop();
        for (const timer of CONNECTION_TIMERS) line.stopTimer(timer);
        line.wire.destroy();
      }
      lines.clear();
      for (const wire of finishing.keys()) wire.destroy();
    },
  };
}
