import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { openFile } from '../../src/datastore/file/file.ts';
import { type ContractHome, datastoreContract } from './datastore.ts';

const BROKEN = `apiVersion: calico-rr.io/v1
kind: RouteReflector
metadata: {name: broken}
spec: not an object
`;
const MENDED = BROKEN.replace('not an object', '{ipv4: 10.9.9.9, clusterID: 1.0.0.9}');
const VENDOR = `# kept by hand
apiVersion: calico-rr.io/v1
kind: RouteReflector
metadata: {name: vendor, x-team: net}
spec:
  ipv4: 10.9.9.8 # the loopback
  xVendor: {deep: [1, {very: true}], text: ä}
`;

/** `single`: one file holds everything; else a folder with a file for each resource. */
async function startFileHome(single: boolean): Promise<ContractHome> {
  const folder = await mkdtemp(join(tmpdir(), 'calico-rr-file-'));
  const path = join(folder, single ? 'all.yaml' : 'resources');
  const put = async (name: string, text: string): Promise<void> => {
    if (!single) return writeFileSync(join(path, `${name}.yaml`), text);
    const before = await readFile(path, 'utf8').catch(() => '');
    const others = before.split(/^---\n/m).filter((part) => part !== '' && !part.includes(`name: ${name}`));
    writeFileSync(path, [...others, text].join('---\n'));
  };
  await wipe();
  return {
    readOnly: [],
    open: async () => openFile(path),
    openAsOther: async () => openFile(path),
    wipe,
    async putBroken() {
      await put('broken', BROKEN);
      return { kind: 'RouteReflector', name: 'broken' };
    },
    mendBroken: () => put('broken', MENDED),
    removeBroken: () => (single ? put('broken', '') : rm(join(path, 'broken.yaml'))),
    async putUnknownField() {
      await put('vendor', VENDOR);
      return {
        kind: 'RouteReflector',
        name: 'vendor',
        value: { deep: [1, { very: true }], text: 'ä' },
        async read() {
          const text = await readFile(single ? path : join(path, 'vendor.yaml'), 'utf8');
          const document = text.split(/^---\n/m).find((part) => part.includes('name: vendor')) ?? '';
          if (!document.includes('# kept by hand') || !document.includes('# the loopback'))
            throw new Error(`a comment was lost:\n${document}`);
          return parse(document).spec.xVendor;
        },
      };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };

  async function wipe(): Promise<void> {
    await rm(path, { recursive: true, force: true });
    await rm(`${path}.status`, { recursive: true, force: true });
    if (single) writeFileSync(path, '');
    else await mkdir(path);
  }
}

datastoreContract('a file', 'files', () => startFileHome(true));
datastoreContract('a folder', 'files', () => startFileHome(false));
