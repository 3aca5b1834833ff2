/**
 * ROUTE-REFRESH messages: RFC 2918 section 3, and the demarcation of RFC 7313 section 3.2 in what used to be a
 * reserved octet: a plain request, or the Beginning and End of a refresh (BoRR, EoRR).
 */

import { ERROR, HEADER_ERROR, ROUTE_REFRESH_ERROR } from './error-codes.ts';
import { afiOf, type Family, SAFI_UNICAST } from './family.ts';
import { buildMessage, HEADER_LENGTH, MARKER_LENGTH } from './header.ts';
import { ProtocolError } from './protocol-error.ts';
import { readU16, writeU16 } from './wire.ts';

/** Of the message; ours never carry the filters of RFC 5291. */
const LENGTH = HEADER_LENGTH + 4;

export const REFRESH = { request: 0, begin: 1, end: 2 } as const;

export interface RouteRefresh {
  readonly afi: number;
  readonly safi: number;
  /** One of `REFRESH`, or what a later RFC defines; others are ignored (RFC 7313 section 5). */
  readonly subtype: number;
}

export function encodeRouteRefresh(family: Family, subtype: number = REFRESH.request): Uint8Array {
  const body = new Uint8Array(4);
  writeU16(body, 0, afiOf(family));
  body[2] = subtype;
  body[3] = SAFI_UNICAST;
  return buildMessage('route-refresh', body);
}

/**
 * Reads a whole ROUTE-REFRESH message, header included.
 * @param enhanced whether RFC 7313 was negotiated: it has an error of its own for BoRR and EoRR of another length
 * @throws ProtocolError for another length than 23 octets (we never announce the filters of RFC 5291)
 */
export function decodeRouteRefresh(message: Uint8Array, enhanced: boolean): RouteRefresh {
  const subtype = message[HEADER_LENGTH + 2] ?? 0;
  if (message.length !== LENGTH) {
    const what = `a ROUTE-REFRESH cannot have ${message.length} octets`;
    if (enhanced && (subtype === REFRESH.begin || subtype === REFRESH.end)) {
      throw new ProtocolError(ERROR.routeRefresh, ROUTE_REFRESH_ERROR.invalidLength, what, message.slice());
    }
    const field = message.slice(MARKER_LENGTH, MARKER_LENGTH + 2);
    throw new ProtocolError(ERROR.header, HEADER_ERROR.badLength, what, field);
  }
  return { afi: readU16(message, HEADER_LENGTH), safi: message[HEADER_LENGTH + 3] ?? 0, subtype };
}
