/** What follows from the schemas is as they say, and complete. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOCUMENTED, generatedFiles } from '../../scripts/generated/files.ts';
import { readManifest, showErrors } from '../../src/datastore/file/manifest.ts';
import { SCHEMAS } from '../../src/model/schema/schemas.ts';

const ROOT = join(import.meta.dirname, '../..');

for (const [path, text] of generatedFiles())
  test(`${path} is as the schemas say (npm run generate)`, () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text);
  });

test('every field of every documented kind stands in its page, with what becomes of it', () => {
  for (const kind of DOCUMENTED) {
    const page = readFileSync(join(ROOT, 'docs/reference', `${kind.toLowerCase()}.md`), 'utf8');
    const { spec } = SCHEMAS[kind];
    assert.ok(spec !== 'anything' && Object.keys(spec).length > 0, kind);
    for (const name of Object.keys(spec)) {
      const [row = ''] = page.split('\n').filter((line) => line.startsWith(`| \`spec.${name}\` |`));
      assert.match(row, /\| (honoured|reported|accepted)\b/, `${kind} spec.${name}`);
    }
  }
});

test('the README and the documentation lead to every page', () => {
  const index = readFileSync(join(ROOT, 'docs/resources.md'), 'utf8');
  for (const kind of DOCUMENTED) assert.ok(index.includes(`reference/${kind.toLowerCase()}.md`), kind);
  assert.ok(readFileSync(join(ROOT, 'README.md'), 'utf8').includes('docs/resources.md'));
});

test('the errors that docs/resources.md shows are what is told', () => {
  const page = readFileSync(join(ROOT, 'docs/resources.md'), 'utf8');
  const [, shown = ''] = /```\n(peers\.yaml[\s\S]*?)\n```/.exec(page) ?? [];
  const text = `# the peers of rack a
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata:
  name: rack-a
spec:
  nodeSelctor: has(rr)
  nodeSelector: rack = 'a'
  peerIP: 192.0.2.1
  asNumber: 65001
`;
  const told = showErrors(readManifest('peers.yaml', text, { strict: true }));
  assert.equal(told, shown);
});
