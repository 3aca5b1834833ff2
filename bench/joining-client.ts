/** Clients of a reflector that are all up, and one more that dials while the reflector is told of it. */
import { execFileSync, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const BGPLOAD = join(import.meta.dirname, 'bgpload/bgpload');

export interface Joining {
  /**
   * When the new client's session was Established: milliseconds of the machine's monotonic clock. Told when its routes
   * have arrived and 2 s have passed.
   */
  readonly establishedAt: Promise<number>;
  /** Ends all clients at once; `establishedAt` may reject then. */
  end(): void;
}

/**
 * Resolves when all `clients` have each other's routes and the next one has begun to dial.
 * @param folder for a named pipe
 * @param target address and port of the reflector
 * @param retryMs how often it dials
 * @throws Error when bgpload finds something wrong
 */
export async function clientsUp({
  folder,
  target,
  clients,
  retryMs = 5,
}: {
  readonly folder: string;
  readonly target: string;
  readonly clients: number;
  readonly retryMs?: number;
}): Promise<Joining> {
  const fifo = join(folder, `go-${clients}-${performance.now()}`);
  execFileSync('mkfifo', [fifo]);
  const args = ['join', '-n', String(clients), '-r', '1', '--extra', '1', '--exec', `echo go > ${fifo}`];
  const load = spawn(
    BGPLOAD,
    [...args, '--rr', target, '--retry-ms', `${retryMs}`, '--timeout', '280', '--json', '--quiet'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  load.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const establishedAt = new Promise<number>((resolve, reject) => {
    load.once('error', reject);
    load.once('exit', (status) => {
      if (status === 0) resolve(establishedOf(JSON.parse(output)));
      else reject(new Error(`bgpload ended with ${status}: ${output}`));
    });
  });
  const go = await open(fifo, 'r');
  await go.read(Buffer.alloc(8), 0, 8);
  await go.close();
  return { establishedAt, end: () => void load.kill() };
}

/** Now on that clock. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function establishedOf(result: unknown): number {
  if (typeof result === 'object' && result !== null && 'join_established_at_ms' in result) {
    return Number(result.join_established_at_ms);
  }
  throw new Error('bgpload printed no join_established_at_ms');
}
