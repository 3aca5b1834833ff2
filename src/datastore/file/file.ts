/**
 * A file or a folder of resources as a datastore: CALICO_RR_FILE=PATH. What a human or a ConfigMap keeps; the
 * version of a resource is the hash of its content.
 *
 * A path that is not there yet is an empty datastore that waits: a watch tells its snapshot when it comes, and the
 * first `create` makes it (a folder, unless the name ends in .yaml, .yml or .json). What reflectors report of
 * themselves lies beside it, in `PATH/.calico-rr/status/` or `PATH.status/`, and is never read as configuration.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CalicoRrError, formatPlace } from '../../model/errors.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import type { Datastore } from '../datastore.ts';
import { patched } from '../resource-json.ts';
import { checkName, conflict, exists, invalid, notFound, noVersion } from '../write-errors.ts';
import { type Catalogue, catalogueOf, listingOf } from './catalogue.ts';
import type { FileItem } from './documents.ts';
import { syntaxOf, withAdded, withRemoved, withReplaced } from './editing.ts';
import { createSources, isFolder, joinSources, type Sources } from './sources.ts';
import { watchFiles } from './watch.ts';
import { removeFile, whileLocked, writeWhole } from './writing.ts';

/** @param path as the user gave it; nothing is read yet */
export function openFile(path: string): Datastore {
  const root = resolve(path);
  const closing = new AbortController();
  const config = createSources(root);

  const statusFolder = (): string => (isFolder(root) ? join(root, '.calico-rr', 'status') : `${root}.status`);
  const lock = (): string => (isFolder(root) ? join(root, '.calico-rr', 'lock') : `${root}.lock`);
  const sourcesOf = (kind: Kind): Sources =>
    kind === 'RouteReflectorStatus' ? createSources(statusFolder()) : config;
  const catalogue = async (kind: Kind): Promise<Catalogue> =>
    catalogueOf((await sourcesOf(kind).read()) ?? []);

  const find = async (kind: Kind, name: string): Promise<FileItem> => {
    const item = (await catalogue(kind)).items.get(`${kind}/${name}`);
    if (item === undefined) throw notFound(kind, name);
    return item;
  };
  const get = async (kind: Kind, name: string): Promise<Resource> => {
    const { content } = await find(kind, name);
    if (content.is === 'broken') throw invalid(kind, name, content.broken.problem);
    return content.resource;
  };

  /** Rewrites the file that holds `item`. */
  const edit = async (item: FileItem, change: (text: string) => string): Promise<void> => {
    const { file } = item.place;
    await refuseFaulty(sourcesOf(item.kind), file);
    const text = change(await readFile(file, 'utf8'));
    // A file of a folder that holds nothing any more goes; the one file that we were given stays.
    if (text.trim() === '' && file !== root) await removeFile(file);
    else await writeWhole(file, text);
  };
  const replace = async (resource: Resource, item: FileItem): Promise<Resource> => {
    const { file } = item.place;
    await edit(item, (text) => withReplaced(text, item, resource, syntaxOf(file)));
    return get(resource.kind, resource.metadata.name);
  };
  /** Where a new resource goes: the one file, or a file of its own. */
  const homeOf = ({ kind, metadata }: Resource): string => {
    if (kind === 'RouteReflectorStatus') return join(statusFolder(), `${metadata.name}.yaml`);
    return isFolder(root) ? join(root, `${kind.toLowerCase()}-${metadata.name}.yaml`) : root;
  };
  const update = async (resource: Resource): Promise<Resource> => {
    const { kind, metadata } = resource;
    if (metadata.resourceVersion === undefined) throw noVersion(resource);
    const item = await find(kind, metadata.name);
    if (item.content.is === 'broken') throw invalid(kind, metadata.name, item.content.broken.problem);
    if (item.content.resource.metadata.resourceVersion !== metadata.resourceVersion)
      throw conflict(kind, metadata.name);
    return replace(resource, item);
  };

  return {
    type: 'file',
    location: path,
    list: async (kind) => listingOf(await catalogue(kind), [kind]),
    get,
    create: (resource) =>
      whileLocked(lock(), async () => {
        checkName(resource);
        const { kind, metadata } = resource;
        if ((await catalogue(kind)).items.has(`${kind}/${metadata.name}`)) throw exists(kind, metadata.name);
        const file = homeOf(resource);
        await refuseFaulty(sourcesOf(kind), file);
        const text = await readFile(file, 'utf8').catch(() => '');
        await writeWhole(file, withAdded(text, resource, syntaxOf(file)));
        return get(kind, metadata.name);
      }),
    update: (resource) => whileLocked(lock(), () => update(resource)),
    patch: (kind, name, patch) =>
      whileLocked(lock(), async () => {
        const result = patched(await get(kind, name), patch);
        if (!result.ok) throw invalid(kind, name, result.fault);
        return update(result.resource);
      }),
    delete: (kind, name, options = {}) =>
      whileLocked(lock(), async () => {
        const item = await find(kind, name);
        const { content, place } = item;
        const version = content.is === 'resource' ? content.resource.metadata.resourceVersion : undefined;
        if (options.resourceVersion !== undefined && options.resourceVersion !== version)
          throw conflict(kind, name);
        await edit(item, (text) => withRemoved(text, item, syntaxOf(place.file)));
      }),
    watch(kinds, { signal }) {
      const files = createSources(root);
      const reports = kinds.includes('RouteReflectorStatus') ? [createSources(statusFolder())] : [];
      const until = AbortSignal.any([signal, closing.signal]);
      return watchFiles(root, joinSources(files, ...reports), kinds, until);
    },
    async close() {
      closing.abort();
    },
  };
}

/** A file that cannot be read whole cannot be edited without risk to what is not understood. */
async function refuseFaulty(sources: Sources, file: string): Promise<void> {
  const content = (await sources.read())?.find((one) => one.path === file)?.content;
  const [fault] = content?.faults ?? [];
  if (fault !== undefined)
    throw new CalicoRrError('E_YAML', `${fault.subject}: ${fault.message}`, {
      hint: `Mend ${formatPlace({ file })} by hand first; it is not changed while it has faults.`,
    });
}
