/**
 * The words that run a command in a network namespace of its own (test/differential/network.sh), or none where this
 * system does not let us: the command then runs as it is.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'test/differential/network.sh');

export function ownNetwork(): readonly string[] {
  const { status } = spawnSync('sh', [SCRIPT, 'true'], { stdio: 'ignore' });
  return status === 0 ? ['sh', SCRIPT] : [];
}
