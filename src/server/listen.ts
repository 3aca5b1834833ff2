/** Listening on an address that a flag names, for every server of ours that is reached over the network. */
import type { Server } from 'node:net';
import { CalicoRrError, messageOf } from '../model/errors.ts';

/**
 * @param flag what named the address: `--http`
 * @returns where it listens, `ADDRESS:PORT` or `[ADDRESS]:PORT`, with the real port where 0 was asked for
 * @throws E_SETTING where the address cannot be listened on
 */
export async function listenOn(server: Server, flag: string, host: string, port: number): Promise<string> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    throw new CalicoRrError('E_SETTING', `${flag}: cannot listen on ${host}:${port} (${messageOf(error)})`, {
      hint: 'Give a free ADDRESS:PORT of this machine.',
      cause: error,
    });
  }
  const bound = server.address();
  const real = typeof bound === 'object' && bound !== null ? bound.port : port;
  return host.includes(':') ? `[${host}]:${real}` : `${host}:${real}`;
}
