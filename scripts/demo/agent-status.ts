/** What a reflector of the demo says of itself, by its control socket. */
import { join } from 'node:path';
import { z } from 'zod';
import { CONTROL_SOCKET } from '../../src/cli/instance.ts';
import { askControl } from '../../src/server/control-client.ts';

const Status = z.object({ sessions: z.array(z.object({ name: z.string(), state: z.string() })) });

/** Names of its sessions that are up; none while it does not answer. */
export async function establishedSessions(stateDir: string): Promise<ReadonlySet<string>> {
  try {
    const answer = await askControl({
      at: { socket: join(stateDir, CONTROL_SOCKET) },
      method: 'GET',
      path: '/status',
    });
    const { sessions } = Status.parse(answer);
    return new Set(sessions.filter(({ state }) => state === 'Established').map(({ name }) => name));
  } catch {
    // Not started yet, or just being ended: the view shows it as having nothing.
    return new Set();
  }
}
