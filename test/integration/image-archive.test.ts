/** The archive of `npm run image`: a health check is put into an OCI layout, and every digest and size is right after it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addHealthcheck } from '../../scripts/oci-layout.ts';

test('an image keeps its health check in an OCI layout, and all digests fit', () => {
  const layout = mkdtempSync(join(tmpdir(), 'calico-rr-layout-'));
  try {
    const blobs = join(layout, 'blobs/sha256');
    mkdirSync(blobs, { recursive: true });
    const put = (content: object) => {
      const text = JSON.stringify(content);
      const digest = createHash('sha256').update(text).digest('hex');
      writeFileSync(join(blobs, digest), text);
      return { digest: `sha256:${digest}`, size: text.length };
    };
    const get = ({ digest, size }: { digest: string; size: number }) => {
      const text = readFileSync(join(blobs, digest.slice('sha256:'.length)), 'utf8');
      assert.equal(`sha256:${createHash('sha256').update(text).digest('hex')}`, digest);
      assert.equal(Buffer.byteLength(text), size);
      return JSON.parse(text);
    };
    const layers = [put({ layer: 1 })];
    const config = put({ os: 'linux', config: { Cmd: ['run'] }, rootfs: {} });
    const manifest = put({ schemaVersion: 2, config: { mediaType: 'config', ...config }, layers });
    const index = { schemaVersion: 2, manifests: [{ mediaType: 'manifest', ...manifest }] };
    writeFileSync(join(layout, 'index.json'), JSON.stringify(index));

    const healthcheck = { Test: ['CMD', 'calico-rr', 'status'], Interval: 30_000_000_000 };
    addHealthcheck(layout, healthcheck, 'localhost/calico-rr');

    const after = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
    const [only] = after.manifests;
    assert.equal(after.manifests.length, 1);
    assert.deepEqual(only.annotations, { 'org.opencontainers.image.ref.name': 'localhost/calico-rr:latest' });
    const read = get(only);
    assert.deepEqual([only.mediaType, read.config.mediaType, read.layers], ['manifest', 'config', layers]);
    assert.deepEqual(get(read.config), {
      os: 'linux',
      config: { Cmd: ['run'], Healthcheck: healthcheck },
      rootfs: {},
    });
    // What the new ones took the place of is gone.
    assert.equal(readdirSync(blobs).length, 3);
  } finally {
    rmSync(layout, { recursive: true });
  }
});
