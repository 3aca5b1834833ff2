/** What the etcd v2 home asks of etcd, and what it gets back. */
import type { V2Event, V2Node } from './reply.ts';

/** Where in the store's history an answer was given. */
export interface Place {
  /** Number of the last write of the whole store. */
  readonly index: number;
  /** Which cluster counts like that. */
  readonly clusterId: string;
}

export interface V2Listing extends Place {
  /** Undefined: there is no such key. */
  readonly node: V2Node | undefined;
}

/** The state that a key must be in to be written. */
export type Condition = { readonly prevIndex: number } | { readonly prevExist: false };

export type WriteOutcome =
  | { readonly done: true; readonly node: V2Node }
  /** `errorCode` is one of V2_ERROR; nothing was written. */
  | { readonly done: false; readonly errorCode: number };

export type PollOutcome =
  | { readonly is: 'event'; readonly event: V2Event }
  /** Nothing below the key was written since; `onOpen` told until where that is known. */
  | { readonly is: 'quiet' }
  /** The member no longer remembers what was written since; list anew. */
  | { readonly is: 'cleared' }
  /** `onOpen` did not like the place. */
  | { readonly is: 'left' };

export interface PollOptions {
  /** The first event to tell of. */
  readonly waitIndex: number;
  /** Milliseconds after which a poll that told nothing is `quiet`. */
  readonly quietMs: number;
  readonly signal: AbortSignal;
  /** Called when the poll stands; false ends it. */
  onOpen(place: Place): boolean;
}

export interface EtcdV2Client {
  /** Endpoints for a person, without secrets. */
  readonly location: string;
  /** @throws E_DATASTORE_UNREACHABLE, E_DATASTORE_TLS, E_DATASTORE_AUTH, E_DATASTORE_REPLY */
  get(
    key: string,
    options?: { readonly recursive?: boolean; readonly signal?: AbortSignal },
  ): Promise<V2Listing>;
  /** Everything below a key, however much. @throws as `get` */
  list(key: string, options?: { readonly signal?: AbortSignal }): Promise<V2Listing>;
  /** Where the store is, as a quorum of its members knows. @throws as `get` */
  prove(options?: { readonly signal?: AbortSignal }): Promise<Place>;
  /** @throws as `get` */
  put(key: string, value: string, condition?: Condition): Promise<WriteOutcome>;
  /**
   * @param options `directory`: the key is a directory, which must be empty; `recursive`: with all below
   * @throws as `get`
   */
  delete(
    key: string,
    options?: { readonly prevIndex?: number; readonly directory?: boolean; readonly recursive?: boolean },
  ): Promise<WriteOutcome>;
  /** @throws as `get`; the connection lost while waiting is E_DATASTORE_UNREACHABLE */
  poll(key: string, options: PollOptions): Promise<PollOutcome>;
  close(): Promise<void>;
}
