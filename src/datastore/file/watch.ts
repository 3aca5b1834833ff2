/**
 * Watching a file or folder of resources.
 *
 * The kernel's notice (fs.watch) makes it quick, a look every second makes it certain: notices get lost on network
 * file systems, and a swapped symbolic link or folder leaves the notice on the old one. Files are read when they
 * have not changed for a moment, so that a writer in the middle of his work is not read.
 *
 * What a file last said whole stays in force while it has a fault or cannot be read, and everything stays while the
 * path itself is gone: an unmounted volume or a typing error is no deletion. A file that vanishes from a folder that
 * is there takes its resources with it.
 */
import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { Kind } from '../../model/resource.ts';
import type { WatchEvent } from '../datastore.ts';
import { trackYielded } from '../difference.ts';
import { pause } from '../retry-pause.ts';
import { trackSettling } from '../settled.ts';
import { catalogueOf, listingOf } from './catalogue.ts';
import type { FileItem } from './documents.ts';
import { isFolder, type SourceFile, type Sources } from './sources.ts';

const LOOK_MS = 1_000;
const QUIET_MS = 50;
/** A file that never rests is read after that many looks all the same. */
const MOST_LOOKS = 20;

export async function* watchFiles(
  path: string,
  sources: Sources,
  kinds: readonly Kind[],
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const yielded = trackYielded();
  const settling = trackSettling();
  const lastGood = new Map<string, readonly FileItem[]>();
  let connected: boolean | undefined;
  let snapshotTold = false;
  let lastWarnings: readonly Problem[] = [];
  let lastRead: string | undefined;

  while (!signal.aborted) {
    const notice = noticeOf(path);
    try {
      const now = await settled(sources, signal);
      if (signal.aborted) return;
      const files =
        now !== undefined && (now !== lastRead || connected !== true) ? await sources.read() : undefined;
      if (now === undefined) throw new Error(`${path} ${snapshotTold ? 'is gone' : 'does not exist yet'}.`);
      if (files !== undefined) {
        const catalogue = catalogueOf(files.map((file) => inForce(file, lastGood)));
        for (const file of lastGood.keys())
          if (!files.some((one) => one.path === file)) lastGood.delete(file);
        const listing = listingOf(catalogue, kinds);
        const changes = yielded.moveTo(listing);
        const over = settling.now(path, listing.warnings);
        if (connected !== true) yield { type: 'connection', connected: true };
        connected = true;
        if (!snapshotTold) yield { type: 'snapshot', ...listing };
        else if (changes.length > 0 || !isDeepStrictEqual(listing.warnings, lastWarnings))
          yield { type: 'changes', changes, warnings: listing.warnings, settled: over };
        snapshotTold = true;
        lastWarnings = listing.warnings;
        lastRead = now;
      }
      await notice.orAfter(LOOK_MS, signal);
    } catch (error) {
      if (connected !== false) yield { type: 'connection', connected: false, reason: messageOf(error) };
      connected = false;
      await notice.orAfter(LOOK_MS, signal);
    } finally {
      // Also where the iteration is left at a yield.
      notice.close();
    }
  }
}

/** The file as it counts: where it has a fault, what it last said whole. */
function inForce(file: SourceFile, lastGood: Map<string, readonly FileItem[]>): SourceFile {
  const { faults, items } = file.content;
  if (faults.length === 0) {
    lastGood.set(file.path, items);
    return file;
  }
  const good = lastGood.get(file.path);
  if (good === undefined) return file;
  const stays: Problem = {
    code: 'bad-yaml',
    severity: 'warning',
    subject: file.path,
    message: `What ${file.path} said before stays in force until its faults are mended.`,
  };
  return { path: file.path, content: { items: good, faults: [...faults, stays] } };
}

/** The fingerprint once it is the same at two looks. */
async function settled(sources: Sources, signal: AbortSignal): Promise<string | undefined> {
  let before = await sources.fingerprint();
  for (let looks = 0; looks < MOST_LOOKS && !signal.aborted; looks += 1) {
    await pause(QUIET_MS, signal);
    const now = await sources.fingerprint();
    if (now === before) return now;
    before = now;
  }
  return before;
}

interface Notice {
  /** Waits for the notice, at most so long. */
  orAfter(milliseconds: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Begins to listen for the kernel's notice of a change; where it gives none, time alone ends the wait. */
function noticeOf(path: string): Notice {
  const changed = new AbortController();
  let watcher: FSWatcher | undefined;
  try {
    watcher = watchFolder(isFolder(path) ? path : dirname(path), () => changed.abort());
    watcher.on('error', () => watcher?.close());
  } catch {
    // No such folder yet, or no more notices to be had: the look every second remains.
  }
  return {
    orAfter: (milliseconds, signal) => pause(milliseconds, changed.signal, signal),
    close: () => watcher?.close(),
  };
}
