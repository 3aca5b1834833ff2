/**
 * The watch of etcd v3: list at one revision, then follow from the next (etcd Watch API).
 *
 * After a lost stream the watch goes on from where each prefix was, at whichever member answers. History that was
 * compacted, or a server whose revisions are not the continuation of ours (restored from a backup, put up anew),
 * is a gap: everything is listed and only what differs is told. Previous values are not asked for: the key alone
 * says what was deleted.
 *
 * The first loss of a stream is followed by a try at once and told only when that fails too: with several members,
 * one of them going is no interruption.
 */

import { messageOf } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import type { WatchEvent } from '../datastore.ts';
import { createMailbox } from '../mailbox.ts';
import { pause, retryPause } from '../retry-pause.ts';
import type { EtcdV3Client } from './client.ts';
import { CompactedError } from './client.ts';
import { prefixEnd } from './keys.ts';
import { createKeyspace, prefixesOf } from './keyspace.ts';
import { listKeys } from './listing.ts';
import type { WatchedEvent, WatchResponse } from './messages.ts';
import type { Header } from './range-message.ts';

/** A member that has not taken our watches by then is left. */
const CREATED_MS = 5_000;

/** Where to go on: the next revision for each prefix, and which history that is a place in. */
interface Position {
  readonly next: Map<string, bigint>;
  readonly lineage: Header;
}

export async function* watchEtcdV3(
  client: EtcdV3Client,
  kinds: readonly Kind[],
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const prefixes = prefixesOf(kinds);
  const keyspace = createKeyspace();
  let position: Position | undefined;
  let snapshotTold = false;
  let connected: boolean | undefined;
  let failures = 0;

  while (!signal.aborted) {
    try {
      let resuming = true;
      if (position === undefined) {
        resuming = false;
        const { kvs, header } = await listKeys(client, prefixes, signal);
        const { changes, warnings, settled } = keyspace.replace(kvs);
        if (connected !== true) yield { type: 'connection', connected: true };
        connected = true;
        if (!snapshotTold) yield { type: 'snapshot', ...snapshotOf(changes), warnings };
        else if (changes.length + settled.length > 0) yield { type: 'changes', changes, warnings, settled };
        snapshotTold = true;
        const next = header.revision + 1n;
        position = { next: new Map(prefixes.map((prefix) => [prefix, next])), lineage: header };
      }
      for await (const step of follow(client, prefixes, position, resuming, signal)) {
        failures = 0;
        if (connected !== true) yield { type: 'connection', connected: true };
        connected = true;
        const { changes, warnings, settled } = keyspace.apply(step);
        if (changes.length + warnings.length + settled.length > 0)
          yield { type: 'changes', changes, warnings, settled };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CompactedError) {
        position = undefined;
        continue;
      }
      failures += 1;
      if (connected === undefined || (connected && failures > 1)) {
        connected = false;
        yield { type: 'connection', connected, reason: messageOf(error) };
      }
      await pause(retryPause(failures), signal);
    }
  }
}

/**
 * One stream: the events of all prefixes, in the order in which etcd tells them, first an empty step when all
 * watches stand. Moves `position` on with what it yields.
 * @throws CompactedError where `position` is no place in the server's history; E_DATASTORE_* when the stream ends
 */
async function* follow(
  client: EtcdV3Client,
  prefixes: readonly string[],
  position: Position,
  resuming: boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchedEvent[], void, undefined> {
  // Kinds without a home here: there is nothing to follow, for ever.
  if (prefixes.length === 0) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return;
  }
  type Letter = { readonly response: WatchResponse } | { readonly error: Error };
  const mailbox = createMailbox<Letter>();
  const stream = await client.watch(
    prefixes.map((prefix, index) => ({
      createRequest: {
        key: Buffer.from(prefix),
        rangeEnd: prefixEnd(prefix),
        startRevision: String(position.next.get(prefix) ?? 0n),
        // Now and then etcd says how far it is, so that a quiet prefix does not fall behind its history.
        progressNotify: true,
        fragment: true,
        // etcd gives an ID of its own where it reads 0.
        watchId: index + 1,
      },
    })),
    {
      onResponse: (response) => mailbox.put({ response }),
      onEnd: (error) => mailbox.put({ error }),
    },
    signal,
  );
  const tooLate = setTimeout(() => {
    client.distrustMember();
    mailbox.put({ error: new Error(`etcd at ${client.location} does not take a watch`) });
  }, CREATED_MS);
  let standing = 0;

  try {
    for (;;) {
      const letter = await mailbox.take(signal);
      if ('error' in letter) throw letter.error;
      const { response } = letter;
      if (response.canceled) {
        if (response.compactRevision > 0n) throw new CompactedError();
        client.distrustMember();
        throw new Error(`etcd cancelled the watch: ${response.cancelReason || 'it gave no reason'}`);
      }
      if (response.created) {
        if (resuming && !continues(response.header, position)) throw new CompactedError();
        standing += 1;
        if (standing < prefixes.length) continue;
        clearTimeout(tooLate);
        yield [];
        continue;
      }
      if (response.events.length > 0) yield response.events;
      const prefix = prefixes[response.watchId - 1];
      if (prefix !== undefined && !response.fragment) position.next.set(prefix, reached(response) + 1n);
    }
  } finally {
    clearTimeout(tooLate);
    stream.close();
  }
}

/** The last revision of which this watch has told everything. */
function reached(response: WatchResponse): bigint {
  const last = response.events.at(-1);
  return last === undefined ? response.header.revision : BigInt(last.kv.modRevision);
}

/** Whether a server's history can be the continuation of what we saw; a member that lags behind does not count. */
function continues(header: Header, { next, lineage }: Position): boolean {
  const newest = [...next.values()].reduce((most, one) => (one > most ? one : most), 0n);
  return (
    header.clusterId === lineage.clusterId &&
    header.raftTerm >= lineage.raftTerm &&
    header.revision >= newest - 1n
  );
}

function snapshotOf(changes: ReturnType<ReturnType<typeof createKeyspace>['replace']>['changes']) {
  const resources = changes.flatMap((change) => (change.op === 'put' ? [change.resource] : []));
  const broken = changes.flatMap((change) => (change.op === 'broken' ? [change.broken] : []));
  return { resources, broken };
}
