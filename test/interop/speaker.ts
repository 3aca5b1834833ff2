/**
 * A speaker made of nothing but src/bgp and sockets, to meet other implementations with: it carries out the effects of
 * one session and keeps what was received. The product's own engine does this for thousands of sessions; this one is
 * small enough to be read.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  type Connection,
  createFramer,
  decodeNotification,
  decodeOpen,
  decodeRouteRefresh,
  decodeUpdate,
  type Effect,
  encodeEndOfRib,
  FAMILIES,
  type Frame,
  type Framer,
  formatPrefix,
  type Negotiated,
  type NlriBlock,
  newSession,
  ProtocolError,
  type RouteRefresh,
  readNlri,
  type SessionEvent,
  type SessionSettings,
  type State,
  sessionState,
  stepSession,
  type Update,
  updateContext,
} from '../../src/bgp/index.ts';

export interface SpeakerOptions {
  readonly settings: SessionSettings;
  readonly localAddress: string;
  readonly localPort: number;
  readonly peerAddress: string;
  readonly peerPort: number;
  /**
   * Leave End-of-RIB to the test. Else it goes out as soon as the session is up: BIRD 2.0.12 sends nothing for three
   * seconds unless something comes in.
   */
  readonly endOfRibLater?: boolean;
}

export interface Speaker {
  readonly state: State;
  readonly negotiated: Negotiated | null;
  /** Every state that was shown, in order. */
  readonly states: readonly State[];
  readonly updates: readonly Update[];
  /**
   * Prefixes that are announced and not withdrawn, with the update that told them; by `PREFIX path ID` where the peer
   * numbers its paths.
   */
  readonly routes: ReadonlyMap<string, Update['announced'][number]>;
  readonly refreshes: readonly RouteRefresh[];
  readonly effects: readonly Effect[];
  readonly connections: ReadonlySet<Connection>;
  start(): void;
  stop(event: SessionEvent): void;
  send(octets: Uint8Array): void;
  /** Drops every connection without a word, as a crash would. */
  crash(): void;
  /** Resolves when `condition` holds; it is looked at whenever something happened. */
  until(what: string, condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

function keyOf({ addPath }: NlriBlock, { prefix, pathId }: ReturnType<typeof readNlri>[number]): string {
  return addPath ? `${formatPrefix(prefix)} path ${pathId}` : formatPrefix(prefix);
}

const DEADLINE_MS = 60_000;

export async function makeSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const { settings } = options;
  let session = newSession(settings);
  const sockets = new Map<Connection, { readonly socket: Socket; readonly framer: Framer }>();
  const timers = new Map<string, NodeJS.Timeout>();
  const agreed = new Map<Connection, Negotiated>();
  const states: State[] = ['Idle'];
  const updates: Update[] = [];
  const routes = new Map<string, Update['announced'][number]>();
  const refreshes: RouteRefresh[] = [];
  const effects: Effect[] = [];
  const waiting = new Set<() => void>();
  let offered: Socket | null = null;
  let failure: unknown = null;

  const step = (event: SessionEvent): void => {
    const result = stepSession(settings, session, event);
    session = result.session;
    for (const effect of result.effects) carryOut(effect);
    effects.push(...result.effects);
    if (states.at(-1) !== sessionState(session)) states.push(sessionState(session));
    for (const look of [...waiting]) look();
  };

  const attach = (connection: Connection, socket: Socket): void => {
    const framer = createFramer();
    sockets.set(connection, { socket, framer });
    const mine = (): boolean => sockets.get(connection)?.socket === socket;
    socket.on('data', (piece) => {
      if (!mine()) return;
      try {
        framer.push(piece, (frame) => {
          receive(connection, frame);
          return mine();
        });
      } catch (error) {
        if (error instanceof ProtocolError) step({ type: 'protocol-error', connection, error });
        else failure = error;
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (mine()) step({ type: 'failed', connection, detail: 'closed by the peer' });
    });
  };

  const receive = (connection: Connection, frame: Frame): void => {
    const terms = agreed.get(connection);
    const { message } = frame;
    switch (frame.type) {
      case 'open':
        step({ type: frame.type, connection, open: decodeOpen(message) });
        break;
      case 'keepalive':
        step({ type: frame.type, connection });
        break;
      case 'notification':
        step({ type: frame.type, connection, notification: decodeNotification(message) });
        break;
      case 'route-refresh':
        refreshes.push(decodeRouteRefresh(message, terms?.enhancedRouteRefresh ?? false));
        step({ type: frame.type, connection });
        break;
      case 'update':
        if (terms !== undefined) take(decodeUpdate(message, updateContext(terms)));
        step({ type: frame.type, connection });
        break;
      default: {
        frame.type satisfies never;
      }
    }
  };

  const take = (update: Update): void => {
    updates.push(update);
    for (const block of update.withdrawn) {
      for (const route of readNlri(block)) routes.delete(keyOf(block, route));
    }
    for (const announcement of update.announced) {
      for (const route of readNlri(announcement.nlri)) {
        routes.set(keyOf(announcement.nlri, route), announcement);
      }
    }
  };

  const carryOut = (effect: Effect): void => {
    switch (effect.do) {
      case 'dial': {
        const socket = connect({
          host: options.peerAddress,
          port: options.peerPort,
          localAddress: options.localAddress,
        });
        attach('outgoing', socket);
        socket.on('connect', () => {
          if (sockets.get('outgoing')?.socket === socket) step({ type: 'connected' });
        });
        return;
      }
      case 'accept':
        if (offered !== null) attach('incoming', offered);
        offered = null;
        return;
      case 'refuse':
        offered?.destroy();
        offered = null;
        return;
      case 'send':
        sockets.get(effect.connection)?.socket.write(effect.message);
        return;
      case 'close': {
        const socket = sockets.get(effect.connection)?.socket;
        sockets.delete(effect.connection);
        agreed.delete(effect.connection);
        if (socket?.connecting === true) socket.destroy();
        else socket?.destroySoon();
        for (const [key, timer] of timers) {
          if (!key.endsWith(effect.connection)) continue;
          clearTimeout(timer);
          timers.delete(key);
        }
        return;
      }
      case 'start-timer': {
        const { seconds, timer, connection } = effect;
        const key = `${timer} ${connection}`;
        clearTimeout(timers.get(key));
        const expired = (): void =>
          step(connection === null ? { type: 'timer', timer } : { type: 'timer', timer, connection });
        timers.set(key, setTimeout(expired, seconds * 1000));
        return;
      }
      case 'stop-timer':
        clearTimeout(timers.get(`${effect.timer} ${effect.connection}`));
        return;
      case 'agreed':
        agreed.set(effect.connection, effect.negotiated);
        if (effect.negotiated.longestReceived > 4096) {
          sockets.get(effect.connection)?.framer.acceptExtendedMessages();
        }
        return;
      case 'up':
        if (options.endOfRibLater === true) return;
        for (const family of FAMILIES) {
          if (effect.negotiated.families[family] === null) continue;
          sockets.get(effect.connection)?.socket.write(encodeEndOfRib(family));
        }
        return;
      case 'down':
        routes.clear();
        return;
      default:
        effect satisfies never;
    }
  };

  const server: Server = createServer((socket) => {
    offered = socket;
    step({ type: 'accepted' });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.localPort, options.localAddress, () => resolve());
  });

  return {
    get state() {
      return sessionState(session);
    },
    get negotiated() {
      return session.first.negotiated;
    },
    states,
    updates,
    routes,
    refreshes,
    effects,
    get connections() {
      return new Set(sockets.keys());
    },
    start: () => step({ type: 'start' }),
    stop: step,
    send(octets) {
      const { connection } = session.first;
      if (connection !== null) sockets.get(connection)?.socket.write(octets);
    },
    crash() {
      for (const { socket } of sockets.values()) socket.resetAndDestroy();
    },
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const end = (done: () => void): void => {
          clearTimeout(deadline);
          waiting.delete(look);
          done();
        };
        const look = (): void => {
          if (failure !== null) end(() => reject(failure));
          else if (condition()) end(resolve);
        };
        const deadline = setTimeout(
          () => end(() => reject(new Error(`waited in vain until ${what}; states: ${states.join(' ')}`))),
          DEADLINE_MS,
        );
        waiting.add(look);
        look();
      }),
    async close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const { socket } of sockets.values()) socket.destroy();
      sockets.clear();
      await closed;
    },
  };
}
