/** Which authorities may have signed the server, where the settings name none. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { prepareDebian } from '../../scripts/debian.ts';
import { withAuthorities } from '../../src/datastore/authorities.ts';
import { makeCertificates } from '../support/certificates.ts';

const run = promisify(execFile);
const MODULE = new URL('../../src/datastore/authorities.ts', import.meta.url).href;

test('an authority that is named is the only one', () => {
  const ca = Buffer.from('ours');
  assert.deepEqual(withAuthorities({ ca }), { ca });
});

test('with none named, an authority that this machine trusts counts', async (context) => {
  await prepareDebian();
  const folder = await mkdtemp(join(tmpdir(), 'crr-authorities-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const { ca } = await makeCertificates(folder);
  const script = `const { withAuthorities } = await import('${MODULE}'); process.stdout.write(withAuthorities({}).ca);`;
  const trusted = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const args = ['--input-type=module', '-e', script];
    return (await run(process.execPath, args, { env, maxBuffer: 1 << 26 })).stdout.replaceAll(/\s/g, '');
  };
  const ours = (await readFile(ca, 'utf8')).replaceAll(/\s/g, '');
  assert.ok((await trusted({ SSL_CERT_FILE: ca })).includes(ours));
  assert.ok(!(await trusted({})).includes(ours));
});
