/**
 * An OCI image layout (image-spec, image-layout.md) that is to keep its health check. The format has no word for one, so
 * podman leaves it out; Docker writes and reads it all the same, as `Healthcheck` of the configuration.
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const descriptor = z.looseObject({ digest: z.string().startsWith('sha256:'), size: z.number() });
const indexShape = z.looseObject({ manifests: z.array(descriptor).length(1) });
const manifestShape = z.looseObject({ config: descriptor });
const imageShape = z.looseObject({ config: z.looseObject({}) });

/**
 * @param layout folder with `index.json` and one image
 * @param healthcheck as Docker writes it: `{ Test, Interval, Timeout, StartPeriod }`
 * @param name what the image is called when it is loaded
 */
export function addHealthcheck(layout: string, healthcheck: unknown, name: string): void {
  const pathOf = (digest: string): string => join(layout, 'blobs/sha256', digest.slice('sha256:'.length));
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  /** Puts a document in the place of the blob that a descriptor names. */
  function replace(old: z.infer<typeof descriptor>, content: unknown): z.infer<typeof descriptor> {
    const text = JSON.stringify(content);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    rmSync(pathOf(old.digest));
    writeFileSync(pathOf(digest), text);
    return { ...old, digest, size: statSync(pathOf(digest)).size };
  }

  const indexPath = join(layout, 'index.json');
  const index = indexShape.parse(read(indexPath));
  const [first] = index.manifests;
  if (first === undefined) throw new Error(`${indexPath} names no image`);
  const manifest = manifestShape.parse(read(pathOf(first.digest)));
  const image = imageShape.parse(read(pathOf(manifest.config.digest)));
  const config = replace(manifest.config, {
    ...image,
    config: { ...image.config, Healthcheck: healthcheck },
  });
  const next = replace(first, { ...manifest, config });
  const annotations = { 'org.opencontainers.image.ref.name': `${name}:latest` };
  writeFileSync(indexPath, JSON.stringify({ ...index, manifests: [{ ...next, annotations }] }));
}
