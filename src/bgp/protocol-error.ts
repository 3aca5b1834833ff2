/**
 * The one error that decoding throws: a peer sent what RFC 4271 section 6 (or an RFC that extends it) answers with a
 * NOTIFICATION and the end of the session. Anything else that is thrown on a peer's bytes is a bug of ours.
 */
import { errorName } from './error-codes.ts';
import type { Notification } from './notification.ts';
import { NO_BYTES } from './wire.ts';

export class ProtocolError extends Error {
  /** What to tell the peer before the connection is closed. */
  readonly notification: Notification;
  /** What was wrong, without the error's name, which the notification has. */
  readonly what: string;

  /** @param what what was wrong, in a few words with the numbers: it ends up in a log line beside the peer's name */
  constructor(code: number, subcode: number, what: string, data: Uint8Array = NO_BYTES) {
    super(`${errorName(code, subcode)}: ${what}`);
    this.name = 'ProtocolError';
    this.what = what;
    this.notification = { code, subcode, data };
  }
}
