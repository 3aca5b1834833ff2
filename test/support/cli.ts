/** The command line as a shell runs it: the programs of bin/, with an environment of the test's own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const BIN = join(import.meta.dirname, '../../bin');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Given on standard input; absent: it is empty. */
  readonly stdin?: string;
  readonly cwd?: string;
}

/** Nothing of the caller's that would point at a datastore or a kubeconfig. */
const CLEAN: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  TMPDIR: process.env.TMPDIR ?? '/tmp',
};

/** Runs `bin/PROGRAM WORDS...` to its end. */
export function runCli(
  program: 'calico-rr' | 'calicoctl',
  words: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(BIN, program), words, {
      env: { ...CLEAN, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    // A verb that reads nothing may be gone before this is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
  });
}
