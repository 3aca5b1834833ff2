/** What several files hold, taken together: one resource for each kind and name, and what is wrong. */
import type { Listing } from '../../model/change.ts';
import { CalicoRrError, formatPlace } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { Kind } from '../../model/resource.ts';
import type { FileItem } from './documents.ts';
import { createSources, type SourceFile } from './sources.ts';

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
 * All resources of a file or folder, in the order in which they stand: what `-f FILE|DIR` means to a verb.
 * @throws E_FILE where the path does not exist or cannot be read; E_YAML naming every place where a document
 * cannot be used
 */
export async function readResources(path: string): Promise<Listing> {
  const files = await createSources(path).read();
  if (files === undefined)
    throw new CalicoRrError('E_FILE', `${path} does not exist.`, { hint: 'Check the path after -f.' });
  const { items, warnings } = catalogueOf(files);
  const contents = [...items.values()];
  const faults = [
    ...warnings.filter((problem) => problem.severity === 'error'),
    ...contents.flatMap(({ content }) => (content.is === 'broken' ? [content.broken.problem] : [])),
  ];
  if (faults.length > 0) {
    const lines = faults.map(({ subject, message }) =>
      message.startsWith(path) ? message : `${subject}: ${message}`,
    );
    const hint = faults.find((fault) => fault.hint !== undefined)?.hint;
    throw new CalicoRrError('E_YAML', lines.join('\n'), hint === undefined ? {} : { hint });
  }
  return {
    resources: contents.flatMap(({ content }) => (content.is === 'resource' ? [content.resource] : [])),
    broken: [],
    warnings,
  };
}
