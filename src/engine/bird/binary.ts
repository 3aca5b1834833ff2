/** The BIRD program itself: which version it is, and its judgement of a file (`bird -p -c FILE`). */
import { execFile } from 'node:child_process';
import { CalicoRrError } from '../../model/errors.ts';

export interface BirdVersion {
  /** As BIRD prints it, such as `2.0.12`. */
  readonly text: string;
  readonly major: number;
}

interface Finished {
  readonly exitCode: number | string | null;
  readonly output: string;
}

function run(binary: string, args: readonly string[], cwd: string): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(binary, args, { cwd, timeout: 30_000, encoding: 'utf8' }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (error === null) resolve({ exitCode: 0, output });
      else if (error.code === 'ENOENT' || error.code === 'EACCES') reject(error);
      else resolve({ exitCode: error.code ?? error.signal ?? null, output });
    });
  });
}

/**
 * @throws E_ENGINE_START where the program is not there, is no BIRD, or is BIRD 1.x (one daemon for each
 *   family, another language)
 */
export async function birdVersion(binary: string): Promise<BirdVersion> {
  let finished: Finished;
  try {
    finished = await run(binary, ['--version'], '/');
  } catch (cause) {
    throw new CalicoRrError(
      'E_ENGINE_START',
      `cannot run BIRD: there is no program ${binary} that we may run`,
      {
        hint: 'Install BIRD 2 (Debian: bird2) or name it with --bird PATH or CALICO_RR_BIRD.',
        cause,
      },
    );
  }
  const match = /BIRD version (\d+)\.\S+/.exec(finished.output);
  if (match === null) {
    throw new CalicoRrError('E_ENGINE_START', `${binary} --version does not answer as BIRD does`, {
      hint: `It said: ${finished.output.trim().slice(0, 200) || 'nothing'}`,
    });
  }
  const version = { text: match[0].replace('BIRD version ', ''), major: Number(match[1]) };
  if (version.major < 2) {
    throw new CalicoRrError(
      'E_ENGINE_START',
      `${binary} is BIRD ${version.text}; calico-rr needs BIRD 2 or newer`,
      {
        hint: 'Install BIRD 2 (Debian: bird2) and name it with --bird PATH or CALICO_RR_BIRD.',
      },
    );
  }
  return version;
}

/** What BIRD has against a file. Line and column count from 1; absent where BIRD names no place. */
export interface Complaint {
  readonly line: number | undefined;
  readonly message: string;
}

/** A complaint in the words of `bird -p` or of code 8002: `FILE:LINE:COLUMN message`. */
export function parseComplaint(output: string): Complaint {
  const text = output
    .split('\n')
    .map((line) => line.replace(/^bird: /, '').trim())
    .filter((line) => line !== '')
    .at(-1);
  const match = /:(\d+):\d+ (.*)$/.exec(text ?? '');
  return match === null
    ? { line: undefined, message: text ?? 'BIRD gave no reason' }
    : { line: Number(match[1]), message: match[2] ?? '' };
}

/**
 * Has BIRD read a file without acting on it.
 * @param cwd where BIRD opens the relative paths that the file names
 */
export async function checkFile(binary: string, path: string, cwd: string): Promise<Complaint | undefined> {
  const finished = await run(binary, ['-p', '-c', path], cwd);
  return finished.exitCode === 0 ? undefined : parseComplaint(finished.output);
}
