/** `npm run demo` as a person runs it: it converges, says what to try, does what it says, and leaves nothing. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type RunningProcess, runToEnd, start } from '../support/processes.ts';
import { until } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '../..');

let demo: RunningProcess | undefined;

after(async () => {
  await demo?.stop('SIGINT', 60_000);
});

/** Processes that work in this folder or were told of it. */
function processesIn(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const told = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      return told || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

test('the demo converges, adds a node, drains a reflector, and removes all of itself', async () => {
  demo = await start(process.execPath, [join(ROOT, 'scripts/demo.ts')], { cwd: ROOT });
  const { output } = demo;
  const printed = (text: string, ms: number): Promise<true> =>
    until(
      () => output().includes(text) || undefined,
      () => `"${text}" after:\n${output()}`,
      ms,
    );

  await printed('48 of 48 established', 120_000);
  await printed('72 of 72 learned', 60_000);
  await printed('add a tenth node', 60_000);
  const folder = /with D=(\S+)/.exec(output())?.[1] ?? '';
  assert.ok(existsSync(join(folder, 'resources')));
  assert.equal(processesIn(folder).length, 6, 'six agents, and no daemon');

  await runToEnd('cp', [join(folder, 'more/n10.yaml'), join(folder, 'resources')]);
  await printed('90 of 90 learned', 60_000);

  await runToEnd(join(ROOT, 'bin/calico-rr'), ['drain', '--state-dir', join(folder, 'rr1')]);
  await printed('36 of 50 established', 60_000);
  const last = output().slice(output().lastIndexOf('Sessions, as the reflectors see them'));
  assert.match(last, /90 of 90 learned/, 'no route is lost by the drain');

  const exit = await demo.stop('SIGINT', 60_000);
  assert.deepEqual(exit, { code: 0, signal: null });
  assert.ok(!existsSync(folder), 'its folder is gone');
  await until(() => processesIn(folder).length === 0 || undefined, 'its processes to be gone', 30_000);
});
