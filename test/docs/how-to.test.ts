/**
 * The pages of docs/how-to that need no container, run as they stand there, each on the datastore that it names, with
 * a cluster of nodes in it. test/e2e/how-to.test.ts runs the others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type CliHome, etcdHome, fileHome, kubernetesHome } from '../cli/homes.ts';
import {
  HOW_TO_ADDRESSES,
  howToNodes,
  howToPages,
  type Shell,
  shellIn,
  testPage,
} from '../support/how-to.ts';
import { start } from '../support/processes.ts';

const BIN = join(import.meta.dirname, '../../bin');

const HOMES: ReadonlyMap<string, () => Promise<CliHome>> = new Map([
  ['etcdv2', () => etcdHome('v2')],
  ['etcdv3', () => etcdHome('v3')],
  ['kubernetes', kubernetesHome],
  ['file', fileHome],
]);

const folder = mkdtempSync(join(tmpdir(), 'calico-rr-how-to-'));
const homes: CliHome[] = [];

after(async () => {
  for (const home of homes) await home.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const page of howToPages()) {
  if (!page.containers) testPage(page, () => open(page.name, page.settings));
}

async function open(name: string, settings: ReadonlyMap<string, string>): Promise<Shell> {
  const openHome = HOMES.get(settings.get('datastore') ?? '');
  if (openHome === undefined) throw new Error(`${name} names no datastore`);
  const home = await openHome();
  homes.push(home);
  for (const node of howToNodes(settings)) {
    await home.addNode(node.name, { ipv4Address: `${node.ipv4}/24` });
  }
  const cwd = mkdtempSync(join(folder, 'page-'));
  const env = { ...home.env, ...HOW_TO_ADDRESSES, PATH: `${BIN}:${process.env.PATH}` };
  return shellIn(start, env, cwd);
}
