/** What several files hold, taken together: one resource for each kind and name, and what is wrong. */
import type { Listing } from '../../model/change.ts';
import { formatPlace } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { Kind } from '../../model/resource.ts';
import type { FileItem } from './documents.ts';
import { readManifests, refuseErrors } from './manifest.ts';
import type { SourceFile } from './sources.ts';

export interface Catalogue {
  /** By `Kind/name`; of two with one name the first counts. */
  readonly items: ReadonlyMap<string, FileItem>;
  readonly warnings: readonly Problem[];
}

export function catalogueOf(files: readonly SourceFile[]): Catalogue {
  const items = new Map<string, FileItem>();
  const warnings: Problem[] = [];
  for (const { content } of files) {
    warnings.push(...content.faults);
    for (const item of content.items) {
      const key = `${item.kind}/${item.name}`;
      const first = items.get(key);
      if (first === undefined) items.set(key, item);
      else
        warnings.push({
          code: 'duplicate',
          severity: 'warning',
          subject: key,
          message: `${key} stands at ${formatPlace(first.place)} and again at ${formatPlace(item.place)}; the first counts.`,
          hint: 'Remove one of them.',
        });
    }
  }
  return { items, warnings };
}

/** The resources of these kinds, sorted by kind and name. */
export function listingOf(catalogue: Catalogue, kinds: readonly Kind[]): Listing {
  const wanted = new Set<Kind>(kinds);
  const contents = [...catalogue.items.entries()]
    .filter(([, item]) => wanted.has(item.kind))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, item]) => item.content);
  return {
    resources: contents.flatMap((content) => (content.is === 'resource' ? [content.resource] : [])),
    broken: contents.flatMap((content) => (content.is === 'broken' ? [content.broken] : [])),
    warnings: catalogue.warnings,
  };
}

/**
 * All resources of a file or folder, in the order in which they stand: what `-f FILE|DIR` means to a verb that only
 * computes. Their fields are not judged here.
 * @throws E_FILE where the path does not exist or cannot be read; E_YAML naming every place where a document
 * cannot be used
 */
export async function readResources(path: string): Promise<Listing> {
  const manifest = await readManifests(path, { strict: false });
  refuseErrors(manifest);
  return {
    resources: manifest.resources.map(({ resource }) => resource),
    broken: [],
    warnings: manifest.problems.map(({ code, severity, subject, place, message, hint }) => ({
      code,
      severity,
      subject: subject ?? formatPlace(place),
      message,
      ...(hint === undefined ? {} : { hint }),
    })),
  };
}
