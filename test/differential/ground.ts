/**
 * Addresses for a reflector and its peers: 127.0.0.0/8, and fd00:c::/64 where the machine has it. test/differential/
 * network.sh gives it to a network namespace; without, only IPv4 is compared.
 */
import { createServer } from 'node:net';
import { loopbackNet } from '../support/loopback-speaker.ts';

export interface Ground {
  readonly port: number;
  /** The nth address, 1..254; the first is the reflector's. */
  address(family: 4 | 6, host: number): string;
}

let grounds = 0;

/** One that nobody else uses. */
export async function ground(): Promise<Ground> {
  const net = await loopbackNet();
  grounds += 1;
  const number = grounds.toString(16);
  return {
    port: net.port,
    address: (family, host) => (family === 4 ? net.address(host) : `fd00:c::${number}:${host.toString(16)}`),
  };
}

/** As `ground`, with IPv4 addresses that other makers take as next hops: only where network.sh has made them. */
export async function routableGround(): Promise<Ground> {
  const { port, address } = await ground();
  const number = grounds;
  return {
    port,
    address: (family, host) => (family === 4 ? `10.98.${number}.${host}` : address(6, host)),
  };
}

/** The families of which there are addresses here. */
export async function familiesHere(): Promise<readonly (4 | 6)[]> {
  const bound = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: 'fd00:c::1', port: 0 }, () => server.close(() => resolve(true)));
  });
  return bound ? [4, 6] : [4];
}
