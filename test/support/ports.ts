/**
 * TCP ports for servers that a test starts. They come from below the range that the kernel gives to outgoing
 * connections: a port of that range can be taken between the look and the use, by any connection of any process.
 *
 * Test files run beside each other, and a server that a test stops for a while leaves its port free. So each port is
 * claimed as long as this process lives: by an abstract UNIX socket, which the kernel keeps for each network
 * namespace, as it keeps ports, and which ends with its process.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ephemeral ranges of Linux (from 32768) and above what services are usually given. */
const LOWEST = 15_000;
const BEYOND = 32_000;
const TRIES = 200;

/**
 * A port that nobody listens on at `host`, and that no test process that still runs has been given before.
 * @throws Error when none of many was free
 */
export async function unusedPort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(LOWEST, BEYOND);
    if ((await claimed(port)) && (await isFree(host, port))) return port;
  }
  throw new Error(`no free port on ${host} in ${TRIES} tries`);
}

/** As many, all different. */
export async function unusedPorts(count: number, host?: string): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await unusedPort(host));
  return ports;
}

/** False: it is another's, or has been given here already. */
function claimed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const claim = createServer();
    claim.once('error', () => resolve(false));
    claim.listen(`\0calico-rr-test-port-${port}`, () => {
      claim.unref();
      resolve(true);
    });
  });
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
