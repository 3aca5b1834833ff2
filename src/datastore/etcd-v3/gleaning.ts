/** A listing that keeps little of each resource: a document is read, what is wanted of it is taken, and it is let go. */
import type { Broken, Gleaning } from '../../model/change.ts';
import type { Kind } from '../../model/resource.ts';
import type { Keep } from '../datastore.ts';
import type { EtcdV3Client } from './client.ts';
import { decode } from './decode.ts';
import { PREFIXES, parseKey } from './keys.ts';
import { readPages } from './listing.ts';
import type { KeyValue } from './range-message.ts';

/**
 * @param kind whose resources are one key each
 * @throws E_DATASTORE_* of the client
 */
export async function gleanKeys<Kept>(
  client: EtcdV3Client,
  kind: Exclude<Kind, 'RouteReflector'>,
  keep: Keep<Kept> | Promise<Keep<Kept>>,
): Promise<Gleaning<Kept>> {
  let gathered: Gathered<Kept> | undefined;
  await readPages(client, PREFIXES[kind], async () => {
    gathered = gather(await keep);
    return gathered.take;
  });
  return gathered?.all() ?? { kept: [], broken: [] };
}

interface Gathered<Kept> {
  take(page: readonly KeyValue[]): void;
  all(): Gleaning<Kept>;
}

function gather<Kept>(keep: Keep<Kept>): Gathered<Kept> {
  const names: string[] = [];
  const values: Kept[] = [];
  const broken: Broken[] = [];
  let inOrder = true;
  return {
    take(page) {
      for (const kv of page) {
        const parsed = parseKey(kv.key);
        if (parsed === undefined || parsed.is === 'entry') continue;
        const decoded = decode(parsed, kv);
        if (decoded.is === 'broken') {
          broken.push(decoded.broken);
          continue;
        }
        const value = keep(decoded.resource);
        if (value === undefined) continue;
        const { name } = decoded.resource.metadata;
        inOrder &&= (names.at(-1) ?? '') <= name;
        names.push(name);
        values.push(value);
      }
    },
    all() {
      // Keys come in the order of their octets, which is that of names but for rare letters, and for blocks of nodes.
      return { kept: inOrder ? values : sortedBy(names, values), broken };
    },
  };
}

function sortedBy<Value>(names: readonly string[], values: readonly Value[]): readonly Value[] {
  return values
    .map((value, index) => ({ value, name: names[index] ?? '' }))
    .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
    .map(({ value }) => value);
}
