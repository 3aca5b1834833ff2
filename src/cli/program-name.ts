/**
 * As what this program was called. A link to `calico-rr` that is called `calicoctl` behaves as that program does
 * (docs/command-line.md): bin/calico-rr, which a shell runs, says the name of the link.
 */
import { basename } from 'node:path';

export type ProgramName = 'calico-rr' | 'calicoctl';

/** As a plugin of kubectl, calicoctl is called `kubectl-calico`. */
const CALICOCTL = new Set(['calicoctl', 'kubectl-calico']);

export function programName(
  env: NodeJS.ProcessEnv = process.env,
  argv: readonly string[] = process.argv,
): ProgramName {
  const name = env.CALICO_RR_CALLED_AS ?? basename(argv[1] ?? '');
  return CALICOCTL.has(name) ? 'calicoctl' : 'calico-rr';
}
