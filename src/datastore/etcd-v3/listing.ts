/**
 * All keys of some prefixes as they are at one revision, page by page (etcd KV.Range). The next page is asked for
 * before the present one is read, so that etcd works on it meanwhile.
 */
import { setImmediate as requestsSent } from 'node:timers/promises';
import { CalicoRrError } from '../../model/errors.ts';
import { CompactedError, type EtcdV3Client } from './client.ts';
import { prefixEnd } from './keys.ts';
import type { Header, KeyValue } from './range-message.ts';

/** Keys in one answer: some megabytes at most, so that no member is held up for long. */
const PAGE = 2_000;
/** The first is all that nobody has anything else to do for. */
const FIRST_PAGE = 500;
/** A listing that takes longer than etcd keeps its history begins again, but not for ever. */
const TRIES = 5;

export interface KeyListing {
  readonly kvs: readonly KeyValue[];
  /** Of the first answer: all keys are as of `header.revision`. */
  readonly header: Header;
}

export type TakePage = (page: readonly KeyValue[]) => void;

/** @throws E_DATASTORE_* of the client */
export async function listKeys(
  client: EtcdV3Client,
  prefixes: readonly string[],
  signal?: AbortSignal,
): Promise<KeyListing> {
  let kvs: KeyValue[] = [];
  const header = await readPages(
    client,
    prefixes,
    () => {
      kvs = [];
      return (page) => {
        for (const kv of page) kvs.push(kv);
      };
    },
    signal,
  );
  return { kvs, header };
}

/**
 * Hands each page to what `begin` gives. A listing that has to begin again calls `begin` again: what was handed over
 * before does not count. What `begin` waits for, it waits for while the first page is on its way.
 * @returns of the first answer: all keys are as of its revision
 * @throws E_DATASTORE_* of the client
 */
export async function readPages(
  client: EtcdV3Client,
  prefixes: readonly string[],
  begin: () => TakePage | Promise<TakePage>,
  signal?: AbortSignal,
): Promise<Header> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readOnce(client, prefixes, begin, signal);
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

async function readOnce(
  client: EtcdV3Client,
  prefixes: readonly string[],
  begin: () => TakePage | Promise<TakePage>,
  signal: AbortSignal | undefined,
): Promise<Header> {
  let header: Header | undefined;
  let take: TakePage | undefined;
  for (const prefix of prefixes) {
    const rangeEnd = prefixEnd(prefix);
    const ask = (key: string) => {
      const at =
        header === undefined ? { limit: FIRST_PAGE } : { limit: PAGE, revision: String(header.revision) };
      const answer = client.range({ key: Buffer.from(key), rangeEnd, ...at }, signal);
      // Whatever it fails with is told when it is waited for.
      answer.catch(() => undefined);
      return answer;
    };
    let coming = ask(prefix);
    for (;;) {
      take ??= await begin();
      const page = await coming;
      header ??= page.header;
      const last = page.more ? page.kvs.at(-1) : undefined;
      if (last !== undefined) {
        coming = ask(`${last.key}\0`);
        await requestsSent();
      }
      take(page.kvs);
      if (last === undefined) break;
    }
  }
  // Nothing to list: the revision is wanted all the same, of a key that whoever may read ours may read.
  return header ?? (await client.range({ key: Buffer.from('/calico/'), keysOnly: true }, signal)).header;
}
