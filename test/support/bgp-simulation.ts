/**
 * Two speakers in simulated time: a network with latencies of its own for each connection, and chance from a seed.
 * Nothing waits and nothing is random, so a run that fails can be repeated octet for octet.
 */
import {
  type Connection,
  createFramer,
  decodeNotification,
  decodeOpen,
  type Effect,
  type Frame,
  type Framer,
  newSession,
  ProtocolError,
  type Session,
  type SessionEvent,
  type SessionSettings,
  sessionState,
  stepSession,
  withJitter,
} from '../../src/bgp/index.ts';

/** One TCP connection as one of its ends sees it. */
interface End {
  readonly speaker: Speaker;
  readonly connection: Connection;
  readonly framer: Framer;
  other: End | null;
  open: boolean;
}

interface Speaker {
  readonly name: 'a' | 'b';
  readonly settings: SessionSettings;
  session: Session;
  readonly ends: Map<Connection, End>;
  readonly timers: Map<string, number>;
  offered: End | null;
  ups: number;
  downs: number;
}

export interface Simulation {
  readonly a: Speaker;
  readonly b: Speaker;
  /** Seconds since the beginning. */
  readonly now: number;
  start(speaker: Speaker, at: number): void;
  /** Runs until nothing is left to do or this time has come. */
  runUntil(seconds: number): void;
  /** Breaks every connection, and each end finds out after a while of its own. */
  cut(): void;
}

interface Task {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
}

/** @param random chance: at least 0 and less than 1, always the same for the same run */
export function simulate(a: SessionSettings, b: SessionSettings, random: () => number): Simulation {
  let now = 0;
  let number = 0;
  const tasks: Task[] = [];
  const speakers = { a: speaker('a', a), b: speaker('b', b) };

  const later = (seconds: number, run: () => void): number => {
    number++;
    tasks.push({ at: now + seconds, number, run });
    return number;
  };
  /** Anything from the same rack to the other side of the world. */
  const latency = (): number => 0.0001 + random() * random() * 0.4;

  const step = (who: Speaker, event: SessionEvent): void => {
    const result = stepSession(who.settings, who.session, event);
    who.session = result.session;
    for (const effect of result.effects) carryOut(who, effect);
  };

  const endOf = (who: Speaker, connection: Connection): End => {
    const end = who.ends.get(connection);
    if (end === undefined) throw new Error(`${who.name} has no ${connection} connection`);
    return end;
  };

  const carryOut = (who: Speaker, effect: Effect): void => {
    switch (effect.do) {
      case 'dial':
        dial(who);
        return;
      case 'accept':
        if (who.offered === null || who.ends.has('incoming')) throw new Error('nothing to accept');
        who.ends.set('incoming', who.offered);
        who.offered = null;
        return;
      case 'refuse':
        if (who.offered === null) throw new Error('nothing to refuse');
        hangUp(who.offered);
        who.offered = null;
        return;
      case 'send': {
        const end = endOf(who, effect.connection);
        deliver(end, effect.message);
        return;
      }
      case 'close':
        hangUp(endOf(who, effect.connection));
        who.ends.delete(effect.connection);
        for (const key of who.timers.keys()) if (key.endsWith(effect.connection)) who.timers.delete(key);
        return;
      case 'start-timer': {
        const { timer, connection, seconds, jitter } = effect;
        const key = `${timer} ${connection}`;
        const mine = later(jitter ? withJitter(seconds, random()) : seconds, () => {
          if (who.timers.get(key) !== mine) return;
          who.timers.delete(key);
          step(who, connection === null ? { type: 'timer', timer } : { type: 'timer', timer, connection });
        });
        who.timers.set(key, mine);
        return;
      }
      case 'stop-timer':
        who.timers.delete(`${effect.timer} ${effect.connection}`);
        return;
      case 'up':
        who.ups++;
        return;
      case 'down':
        who.downs++;
        return;
      case 'agreed':
        return;
      default:
        effect satisfies never;
    }
  };

  /** Order is kept on a connection: each octet goes after the one before. */
  const arrivals = new WeakMap<End, number>();
  const inOrder = (to: End, run: () => void): void => {
    const at = Math.max(now + latency(), arrivals.get(to) ?? 0);
    arrivals.set(to, at);
    later(at - now, run);
  };

  const dial = (who: Speaker): void => {
    if (who.ends.has('outgoing')) throw new Error(`${who.name} dials twice`);
    const peer = who.name === 'a' ? speakers.b : speakers.a;
    const mine: End = {
      speaker: who,
      connection: 'outgoing',
      framer: createFramer(),
      other: null,
      open: true,
    };
    const theirs: End = {
      speaker: peer,
      connection: 'incoming',
      framer: createFramer(),
      other: mine,
      open: true,
    };
    who.ends.set('outgoing', mine);
    mine.other = theirs;
    later(latency(), () => {
      if (!mine.open) return;
      inOrder(mine, () => {
        if (mine.open && who.ends.get('outgoing') === mine) step(who, { type: 'connected' });
      });
      peer.offered = theirs;
      step(peer, { type: 'accepted' });
    });
  };

  const deliver = (from: End, message: Uint8Array): void => {
    const to = from.other;
    if (to === null) return;
    inOrder(to, () => {
      if (!to.open || to.speaker.ends.get(to.connection) !== to) return;
      to.framer.push(message, (frame) => {
        receive(to, frame);
        return to.open;
      });
    });
  };

  const receive = ({ speaker: who, connection }: End, frame: Frame): void => {
    try {
      if (frame.type === 'open') step(who, { type: 'open', connection, open: decodeOpen(frame.message) });
      else if (frame.type === 'keepalive') step(who, { type: 'keepalive', connection });
      else if (frame.type === 'notification') {
        step(who, { type: 'notification', connection, notification: decodeNotification(frame.message) });
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      step(who, { type: 'protocol-error', connection, error });
    }
  };

  const hangUp = (end: End): void => {
    end.open = false;
    const { other } = end;
    if (other !== null) inOrder(other, () => lose(other));
  };

  const lose = (end: End): void => {
    const { speaker: who, connection } = end;
    if (!end.open) return;
    end.open = false;
    if (who.ends.get(connection) === end) step(who, { type: 'failed', connection, detail: 'closed' });
  };

  return {
    ...speakers,
    get now() {
      return now;
    },
    start: (who, at) => {
      later(at - now, () => step(who, { type: 'start' }));
    },
    runUntil(seconds) {
      for (;;) {
        tasks.sort((one, other) => one.at - other.at || one.number - other.number);
        const task = tasks[0];
        if (task === undefined || task.at > seconds) break;
        tasks.shift();
        now = task.at;
        task.run();
      }
      now = seconds;
    },
    cut() {
      for (const who of [speakers.a, speakers.b]) {
        for (const end of [...who.ends.values()]) later(random() * 5, () => lose(end));
      }
    },
  };
}

function speaker(name: 'a' | 'b', settings: SessionSettings): Speaker {
  const session = newSession(settings);
  return { name, settings, session, ends: new Map(), timers: new Map(), offered: null, ups: 0, downs: 0 };
}

/** Established on both sides, over one and the same connection, and nothing else is open. */
export function isJoined({ a, b }: Simulation): boolean {
  const [mine, ...rest] = [...a.ends.values()];
  return (
    sessionState(a.session) === 'Established' &&
    sessionState(b.session) === 'Established' &&
    rest.length === 0 &&
    b.ends.size === 1 &&
    mine?.other === [...b.ends.values()][0]
  );
}
