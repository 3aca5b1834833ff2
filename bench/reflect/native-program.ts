/** bench/reflector.ts as calico-rr runs where it is installed: compiled, and with the options that bin/calico-rr gives Node. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** @returns arguments for Node: its options and the program */
export function nativeProgram(): readonly string[] {
  const compiler = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(compiler, ['-p', join(ROOT, 'bench/tsconfig.reflector.json')], { stdio: ['ignore', 2, 2] });
  const starter = readFileSync(join(ROOT, 'bin/calico-rr'), 'utf8');
  const options = /^exec "\$node" (.+) "\$main"/m.exec(starter)?.[1];
  if (options === undefined) throw new Error('bin/calico-rr does not start Node as expected');
  return [...options.split(' '), join(ROOT, '.cache/bench/bench/reflector.js')];
}
