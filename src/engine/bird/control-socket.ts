/**
 * A client of BIRD's control socket, spoken directly: no birdc, no parsing of what is meant for a terminal.
 * Requests may be written one after the other without waiting; replies come back in order. Every wait is
 * bounded. One connection is kept open for the daemon's life, so that its end is an event and not a poll.
 */
import { createConnection, type Socket } from 'node:net';
import { CalicoRrError } from '../../model/errors.ts';
import { createReplyReader, type Reply } from './control-grammar.ts';

/** BIRD closes the connection on a request of some thousand bytes; up to this many it surely reads. */
export const MAX_REQUEST_BYTES = 1000;

export interface ControlSocket {
  /** Version that the greeting names, such as `2.0.12`. */
  readonly version: string;
  /**
   * Sends one line and yields its reply, errors of the daemon (8xxx, 9xxx) included.
   * @throws E_ENGINE_PROTOCOL when no reply comes in time, the connection ends, or the line cannot be sent
   */
  request(line: string, timeoutMs?: number): Promise<Reply>;
  /** Called once, when the connection has ended for whatever reason. */
  onClose(listener: () => void): void;
  close(): void;
}

interface Waiting {
  readonly line: string;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: CalicoRrError) => void;
  readonly timer: NodeJS.Timeout;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Connects and waits for the greeting (`0001 BIRD 2.0.12 ready.`).
 * @param onMessage spontaneous messages of the daemon
 * @throws NodeJS errors of connect (ENOENT, ECONNREFUSED, EACCES), E_ENGINE_PROTOCOL when no BIRD answers
 */
export function openControlSocket(
  path: string,
  onMessage: (text: string) => void = () => {},
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Promise<ControlSocket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.setEncoding('utf8');
    socket.unref();
    const greeting = setTimeout(() => {
      socket.destroy();
      reject(silent(path, 'its greeting', timeoutMs));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(greeting);
      reject(error);
    });
    const client = createClient(socket, path, onMessage, (version) => {
      clearTimeout(greeting);
      if (version === undefined) {
        socket.destroy();
        reject(new CalicoRrError('E_ENGINE_PROTOCOL', `what listens on ${path} does not greet as BIRD does`));
        return;
      }
      resolve({ ...client, version });
    });
  });
}

function createClient(
  socket: Socket,
  path: string,
  onMessage: (text: string) => void,
  greeted: (version: string | undefined) => void,
): Omit<ControlSocket, 'version'> {
  const reader = createReplyReader();
  const waiting: Waiting[] = [];
  const closeListeners: (() => void)[] = [];
  let seenGreeting = false;
  let ended = false;

  function take(reply: Reply): void {
    if (!seenGreeting) {
      seenGreeting = true;
      greeted(/^BIRD (\S+) ready\.$/.exec(reply.text)?.[1]);
      return;
    }
    const next = waiting.shift();
    if (next === undefined) return;
    clearTimeout(next.timer);
    next.resolve(reply);
  }

  function failAll(error: (line: string) => CalicoRrError): void {
    for (const entry of waiting.splice(0)) {
      clearTimeout(entry.timer);
      entry.reject(error(entry.line));
    }
  }

  socket.on('data', (piece: string) => {
    try {
      for (const event of reader.push(piece)) {
        if (event.type === 'message') onMessage(event.text);
        else take(event.reply);
      }
    } catch (error) {
      if (!(error instanceof CalicoRrError)) throw error;
      failAll(() => error);
      if (!seenGreeting) greeted(undefined);
      socket.destroy();
    }
  });
  // The reason of an end does not matter here: `close` follows every error and is what we act upon.
  socket.on('error', () => {});
  socket.on('close', () => {
    ended = true;
    failAll(
      (line) => new CalicoRrError('E_ENGINE_PROTOCOL', `BIRD closed ${path} before it answered "${line}"`),
    );
    if (!seenGreeting) greeted(undefined);
    for (const listener of closeListeners) listener();
  });

  return {
    request(line, timeoutMs = DEFAULT_TIMEOUT_MS) {
      if (ended) {
        return Promise.reject(new CalicoRrError('E_ENGINE_PROTOCOL', `the connection to ${path} has ended`));
      }
      if (/[\r\n]/.test(line) || Buffer.byteLength(line) > MAX_REQUEST_BYTES) {
        return Promise.reject(
          new CalicoRrError(
            'E_ENGINE_PROTOCOL',
            `a request of ${Buffer.byteLength(line)} bytes cannot be sent to BIRD`,
          ),
        );
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          // Later replies could not be told apart any more: this connection is of no use now.
          reject(silent(path, `"${line}"`, timeoutMs));
          socket.destroy();
        }, timeoutMs);
        waiting.push({ line, resolve, reject, timer });
        socket.write(`${line}\n`);
      });
    },
    onClose(listener) {
      if (ended) listener();
      else closeListeners.push(listener);
    },
    close() {
      socket.destroy();
    },
  };
}

function silent(path: string, what: string, timeoutMs: number): CalicoRrError {
  return new CalicoRrError(
    'E_ENGINE_PROTOCOL',
    `BIRD on ${path} gave no answer to ${what} within ${timeoutMs} ms`,
    {
      hint: 'See whether the daemon is stopped or starved: its process state, its log, the load of the machine.',
    },
  );
}
