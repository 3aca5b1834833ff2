/**
 * The record of what was approved, on disk: at once where an agent that dies must not have forgotten it, else
 * gathered, because the whole is written each time and what was only added comes again by itself.
 */
import { messageOf } from '../model/errors.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import { nodeFamily } from './guard-rules.ts';
import type { ApprovedState, StateWriter } from './saved-state.ts';

const WRITE_EVERY_MS = 1000;

export interface ApprovedRecord {
  readonly state: Omit<ApprovedState, 'otherReflectors'>;
  /** By `nodeFamily`: how many other reflectors each client was approved with. */
  readonly counts: ReadonlyMap<string, number>;
}

export interface ApprovedRecordWriter {
  save(record: ApprovedRecord): Promise<void>;
  saveSoon(record: ApprovedRecord): void;
  flush(): Promise<void>;
}

export function createApprovedRecordWriter(
  writer: StateWriter,
  failed: (reason: string) => void,
): ApprovedRecordWriter {
  let waiting: ApprovedRecord | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function save({ state, counts }: ApprovedRecord): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    waiting = null;
    try {
      await writer.writeApproved({ ...state, otherReflectors: countsOfClients(state.config, counts) });
    } catch (error) {
      failed(messageOf(error));
    }
  }

  async function flush(): Promise<void> {
    if (waiting !== null) await save(waiting);
  }

  return {
    save,
    saveSoon(record) {
      waiting = record;
      timer ??= setTimeout(() => void flush(), WRITE_EVERY_MS);
    },
    flush,
  };
}

/** Of the nodes that are clients now; the others are forgotten. */
function countsOfClients(
  config: SpeakerConfig,
  counts: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const kept = new Map<string, number>();
  for (const { client, peerName, family } of config.sessions) {
    if (!client || peerName === null) continue;
    const others = counts.get(nodeFamily(peerName, family));
    if (others !== undefined) kept.set(nodeFamily(peerName, family), others);
  }
  return Object.fromEntries(kept);
}
