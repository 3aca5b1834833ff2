/** All keys of some prefixes as they are at one revision, page by page (etcd KV.Range). */
import { CalicoRrError } from '../../model/errors.ts';
import { CompactedError, type EtcdV3Client } from './client.ts';
import { prefixEnd } from './keys.ts';
import type { Header, KeyValue } from './messages.ts';

/** Keys in one answer: some megabytes at most, so that no member is held up for long. */
const PAGE = 2_000;
/** A listing that takes longer than etcd keeps its history begins again, but not for ever. */
const TRIES = 5;

export interface KeyListing {
  readonly kvs: readonly KeyValue[];
  /** Of the first answer: all keys are as of `header.revision`. */
  readonly header: Header;
}

/** @throws E_DATASTORE_* of the client */
export async function listKeys(
  client: EtcdV3Client,
  prefixes: readonly string[],
  signal?: AbortSignal,
): Promise<KeyListing> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listOnce(client, prefixes, signal);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      if (tries >= TRIES)
        throw new CalicoRrError(
          'E_DATASTORE_REPLY',
          `etcd at ${client.location} compacts its history faster than it can be listed.`,
          { hint: 'Keep at least some minutes of history (--auto-compaction-retention).', cause: error },
        );
    }
  }
}

async function listOnce(
  client: EtcdV3Client,
  prefixes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<KeyListing> {
  const kvs: KeyValue[] = [];
  let header: Header | undefined;
  for (const prefix of prefixes) {
    const rangeEnd = prefixEnd(prefix);
    let key = Buffer.from(prefix);
    for (;;) {
      const at = header === undefined ? {} : { revision: String(header.revision) };
      const page = await client.range({ key, rangeEnd, limit: PAGE, ...at }, signal);
      header ??= page.header;
      for (const kv of page.kvs) kvs.push(kv);
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) break;
      key = Buffer.from(`${last.key}\0`);
    }
  }
  // Nothing to list: the revision is wanted all the same, of a key that whoever may read ours may read.
  header ??= (await client.range({ key: Buffer.from('/calico/'), keysOnly: true }, signal)).header;
  return { kvs, header };
}
