/** Runs bench/bgpload, the load generator that also checks what every client receives, and reads what it measured. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { start } from '../../test/support/processes.ts';
import { goesFirst } from './right-of-way.ts';

const FOLDER = join(import.meta.dirname, '../bgpload');

/** bgpload's exit statuses, as its README names them. */
const CONVERGED = 0;
const NOT_CONVERGED = 1;
const VIOLATIONS = 3;

/** What one run of bgpload printed, by field. */
export type Measured = ReadonlyMap<string, number | string | boolean>;

export type LoadOutcome =
  | { readonly kind: 'measured'; readonly fields: Measured }
  /** It did not get there in time, or the reflector died. */
  | { readonly kind: 'unfinished'; readonly phase: string }
  /** A client received what it must not have. */
  | { readonly kind: 'wrong'; readonly violations: number };

export function buildBgpload(): void {
  execFileSync('make', ['-s'], { cwd: FOLDER, stdio: ['ignore', 2, 2] });
}

/**
 * @param args mode and options of bgpload, without --json
 * @param first it goes before everything else on the machine
 * @throws Error when bgpload itself could not be run
 */
export async function runLoad(args: readonly string[], first: boolean): Promise<LoadOutcome> {
  const load = await start(join(FOLDER, 'bgpload'), [...args, '--json', '--quiet']);
  if (first) goesFirst(load.pid);
  let printed = '';
  load.onLine((line) => {
    printed += line;
  });
  const { code, signal } = await load.exit;
  if (code !== CONVERGED && code !== NOT_CONVERGED && code !== VIOLATIONS) {
    throw new Error(`bgpload ${args.join(' ')} ended with ${code ?? signal}: ${load.output().trim()}`);
  }
  const fields = fieldsOf(JSON.parse(printed));
  if (code === NOT_CONVERGED) return { kind: 'unfinished', phase: String(fields.get('failed_phase')) };
  if (code === VIOLATIONS) {
    process.stderr.write(load.output().replace(/^\{.*$/gm, ''));
    return { kind: 'wrong', violations: numberOf(fields, 'violations') };
  }
  return { kind: 'measured', fields };
}

function fieldsOf(value: unknown): Measured {
  const fields = new Map<string, number | string | boolean>();
  if (typeof value !== 'object' || value === null) throw new Error('bgpload printed no object');
  for (const [name, field] of Object.entries(value)) {
    if (typeof field === 'number' || typeof field === 'string' || typeof field === 'boolean') {
      fields.set(name, field);
    }
  }
  return fields;
}

/** @throws Error when bgpload did not print this number */
export function numberOf(fields: Measured, name: string): number {
  const value = fields.get(name);
  if (typeof value !== 'number') throw new Error(`bgpload printed no number ${name}`);
  return value;
}
