/**
 * Range on its own, over Node's HTTP/2: the first member, no user, no second try. It is there for commands that read
 * what a person asked for and end: loading a gRPC library takes them longer than reading 10,000 nodes.
 *
 * One gRPC call without a library is one HTTP/2 request (gRPC over HTTP/2, "Requests" and "Responses"): a message is a
 * flag octet, a length of four octets and itself; whether the call went well is in the trailers. Anything but a whole
 * answer that went well is thrown, and says nothing to anybody: who called asks again through grpc-client.ts.
 */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { withAuthorities } from '../authorities.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import {
  decodeRangeResponse,
  encodeRangeRequest,
  RANGE_PATH,
  type RangeRequest,
  type RangeResponse,
} from './range-message.ts';

/** A member that has not answered by then is left to who knows the others. */
const QUICK_MS = 2_000;
/** How much etcd may send ahead: some pages of a listing. HTTP/2 begins with 64 KiB. */
const WINDOW = 16 * 2 ** 20;
/** Flag and length in front of a message. */
const FRAME = 5;

export interface QuickRange {
  /** @throws Error of whatever kind; the signal's reason */
  range(request: RangeRequest, signal?: AbortSignal): Promise<RangeResponse>;
  close(): void;
}

/** @returns undefined where it takes more than asking: a user's token */
export function openQuickRange(settings: EtcdSettings): QuickRange | undefined {
  const [endpoint] = settings.endpoints;
  if (endpoint === undefined || settings.username !== undefined) return undefined;
  let session: ClientHttp2Session | undefined;
  return {
    range(request, signal) {
      session ??= openSession(endpoint, settings);
      return ask(session, request, signal);
    },
    close() {
      session?.destroy();
    },
  };
}

function openSession(endpoint: string, { tls }: EtcdSettings): ClientHttp2Session {
  const session = connect(endpoint, {
    ...(endpoint.startsWith('https:') ? withAuthorities(tls ?? {}) : {}),
    settings: { initialWindowSize: WINDOW, enablePush: false },
  });
  session.once('connect', () => session.setLocalWindowSize(WINDOW));
  // Each request that is under way ends with the session, and tells.
  session.on('error', () => undefined);
  return session;
}

function ask(
  session: ClientHttp2Session,
  request: RangeRequest,
  signal: AbortSignal | undefined,
): Promise<RangeResponse> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: RANGE_PATH,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    // A stream alone cannot be given up while there is no connection yet.
    const stop = (): void => session.destroy(new Error('given up'));
    signal?.addEventListener('abort', stop);
    stream.setTimeout(QUICK_MS, stop);
    const parts: Buffer[] = [];
    let status: string | undefined;
    const note = (headers: IncomingHttpHeaders): void => {
      const value = headers['grpc-status'];
      if (typeof value === 'string') status = value;
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', reject);
    stream.on('close', () => {
      signal?.removeEventListener('abort', stop);
      try {
        if (status !== '0') throw new Error(`gRPC status ${status ?? 'missing'}`);
        resolve(decodeRangeResponse(messageIn(Buffer.concat(parts))));
      } catch (error) {
        reject(signal?.aborted === true ? signal.reason : error);
      }
    });
    const message = encodeRangeRequest(request);
    const frame = Buffer.alloc(FRAME);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
  });
}

/** The one message of an answer. */
function messageIn(answer: Buffer): Buffer {
  if (answer.length < FRAME || answer[0] !== 0 || answer.readUInt32BE(1) !== answer.length - FRAME)
    throw new Error('not one whole, plain message');
  return answer.subarray(FRAME);
}
