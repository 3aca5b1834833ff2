/** What the rest of this home asks of an etcd v3 cluster; open-client.ts gives it. */
import type { CalicoRrError } from '../../model/errors.ts';
import type { TxnRequest, TxnResponse, WatchRequest, WatchResponse } from './messages.ts';
import type { RangeRequest, RangeResponse } from './range-message.ts';

export interface WatchListener {
  onResponse(response: WatchResponse): void;
  /** The stream is over, once; not told after `close`. */
  onEnd(error: CalicoRrError): void;
}

export interface EtcdV3Client {
  readonly location: string;
  /** @throws E_DATASTORE_*, CompactedError where `request.revision` is history that is gone */
  range(request: RangeRequest, signal?: AbortSignal): Promise<RangeResponse>;
  /** `repeated`: an earlier try of this very transaction got no answer and may have been done. */
  txn(request: TxnRequest): Promise<TxnResponse & { readonly repeated: boolean }>;
  /** Opens one stream with all these watches at the member that answered last, or the next after it failed. */
  watch(
    requests: readonly WatchRequest[],
    listener: WatchListener,
    signal: AbortSignal,
  ): Promise<{ close(): void }>;
  /** Makes the next stream go to the next member: the present one does not do what it should. */
  distrustMember(): void;
  close(): void;
}

/** Thrown where history before a wanted revision is gone. */
export class CompactedError extends Error {}
