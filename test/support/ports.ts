/**
 * TCP ports for servers that a test starts. They come from below the range that the kernel gives to outgoing
 * connections: a port of that range can be taken between the look and the use, by any connection of any process.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ephemeral ranges of Linux (from 32768) and above what services are usually given. */
const LOWEST = 15_000;
const BEYOND = 32_000;
const TRIES = 200;

const handedOut = new Set<number>();

/**
 * A port that nobody listens on at `host`, and that this process has not been given before.
 * @throws Error when none of many was free
 */
export async function unusedPort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(LOWEST, BEYOND);
    if (handedOut.has(port) || !(await isFree(host, port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port on ${host} in ${TRIES} tries`);
}

/** As many, all different. */
export async function unusedPorts(count: number, host?: string): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await unusedPort(host));
  return ports;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
