/**
 * A TCP proxy on a loopback port that can fail the ways a network does: connections cut, connections that hang
 * with nothing told to either side, and a peer that refuses new ones.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections open through it now. */
  readonly connections: number;
  /** Ends all connections and resets new ones until `restore`. */
  cut(): void;
  /** Keeps all connections open and passes no byte until `restore`; new ones are taken and hang too. */
  hang(): void;
  /** Passes bytes again. What hung is cut, as a firewall that lost its state would. */
  restore(): void;
  /** New connections go to another port from now on: the server was put up anew. */
  retarget(port: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number, targetHost = '127.0.0.1'): Promise<TcpProxy> {
  let target = targetPort;
  let mode: 'pass' | 'cut' | 'hang' = 'pass';
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();

  const server = createServer((near) => {
    if (mode === 'cut') {
      near.on('error', () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = connect(target, targetHost);
    const pair = { near, far };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', end);
      from.on('close', () => {
        if (mode !== 'hang') end();
      });
      from.on('data', (bytes) => {
        if (mode === 'pass') to.write(bytes);
      });
    }
  });

  const endAll = (): void => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    pairs.clear();
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port');

  return {
    port: address.port,
    get connections() {
      return pairs.size;
    },
    cut() {
      mode = 'cut';
      endAll();
    },
    hang() {
      mode = 'hang';
    },
    restore() {
      if (mode === 'hang') endAll();
      mode = 'pass';
    },
    retarget(port) {
      target = port;
    },
    close() {
      endAll();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
