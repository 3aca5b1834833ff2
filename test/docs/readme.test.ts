/**
 * The README's tasks, run as they stand there, in order, against a real etcd. A comment before a block says where it is
 * not to be run here, or that it goes on in the background.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { readPage } from '../support/pages.ts';
import { unusedPort } from '../support/ports.ts';
import { type RunningProcess, runToEnd, start } from '../support/processes.ts';
import { until } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '../..');

const { blocks } = readPage(join(ROOT, 'README.md'));
const folder = mkdtempSync(join(tmpdir(), 'calico-rr-readme-'));
const background: RunningProcess[] = [];
let etcd: Etcd;
let environment: Record<string, string>;

before(async () => {
  etcd = await startEtcd();
  const port = await unusedPort();
  environment = {
    PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`,
    ETCD_ENDPOINTS: etcd.endpoints.join(','),
    STATE: join(folder, 'state'),
    HTTP_PORT: String(port),
  };
});

after(async () => {
  for (const running of background) await running.stop('SIGTERM', 60_000);
  await etcd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function bash(script: string): Promise<string> {
  return runToEnd('bash', ['-euo', 'pipefail', '-c', script], { env: environment, cwd: ROOT });
}

async function statusJson(): Promise<string> {
  return bash('calico-rr status --state-dir "$STATE" -o json').catch(() => '');
}

test('the README holds the tasks that this test is about', () => {
  assert.ok(blocks.filter(({ how }) => how === 'run').length >= 5);
  assert.equal(blocks.filter(({ how }) => how === 'background').length, 1);
});

for (const [index, { heading, script, how }] of blocks.entries()) {
  if (how === 'not run') continue;
  test(`README, ${heading}, block ${index + 1}: ${script.split('\n')[0]}`, async () => {
    if (how === 'background') {
      const options = { env: environment, cwd: ROOT };
      background.push(await start('bash', ['-c', `exec env ${script.trim()}`], options));
      await until(async () => (await statusJson()).includes('"phase"'), 'the reflector to answer', 60_000);
      return;
    }
    const output = await bash(script);
    assert.notEqual(output.trim(), '', 'it should say something');
    if (script.includes('peer_v4')) {
      await until(
        async () => /"peerAddress": ?"127\.0\.1\.1"/.test(await statusJson()),
        'the session with the node to be configured',
        60_000,
      );
    }
  });
}
