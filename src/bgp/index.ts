/**
 * BGP-4 for a route reflector: messages, path attributes, capabilities and the session state machine. Bytes and
 * events go in, bytes and effects come out; there are no sockets, clocks or settings files in here, and nothing else
 * of calico-rr. docs/rfc.md lists every clause that is claimed, with the test that shows it.
 */
export {
  formatAddress,
  formatPrefix,
  formatRouterId,
  type Prefix,
  parseAddress,
  parsePrefix,
  parseRouterId,
} from './address.ts';
export {
  asPathLength,
  asPathOccurrences,
  formatAsPath,
  neighborAs,
  prependAs,
} from './attributes/as-path.ts';
export { decodeAttributes, encodeAttributes } from './attributes/codec.ts';
export { formatCommunity, formatLargeCommunity } from './attributes/communities.ts';
export { editAttributes, hasClusterId, originatorIdOf, reflectAttributes } from './attributes/edit.ts';
export { narrow } from './attributes/four-octet.ts';
export {
  type AsPath,
  type AsSegment,
  type LargeCommunity,
  NO_ATTRIBUTES,
  ORIGIN,
  type PathAttributes,
} from './attributes/path-attributes.ts';
export { findAttribute, type RawAttribute, rawAttributes } from './attributes/raw-attributes.ts';
export type { Action } from './attributes/row.ts';
export type { Malformation } from './attributes/scan.ts';
export { ATTRIBUTE, attributeRow } from './attributes/table.ts';
export { WELL_KNOWN_COMMUNITY } from './attributes/well-known-communities.ts';
export type { AddPathMode, Capability } from './capability.ts';
export { CEASE, ERROR, errorName } from './error-codes.ts';
export { FAMILIES, type Family, familyOf, type PerFamily } from './family.ts';
export { createFramer, type Frame, type Framer } from './framer.ts';
export { type Cause, keepsStale, type Retained } from './graceful-restart.ts';
export { encodeKeepalive, LONGEST_EXTENDED_MESSAGE, LONGEST_MESSAGE, type MessageType } from './header.ts';
export { type FamilyTerms, type Negotiated, negotiate } from './negotiate.ts';
export {
  canonicalNlri,
  encodeNlri,
  encodePrefix,
  forEachNlri,
  type NlriBlock,
  octetsOf,
  readNlri,
} from './nlri.ts';
export {
  cease,
  decodeNotification,
  describeNotification,
  encodeNotification,
  type Notification,
  prefixLimitReached,
  shutdownText,
} from './notification.ts';
export { type FamilyOffer, type Offer, openOf } from './offer.ts';
export { decodeOpen, encodeOpen, type Open } from './open.ts';
export { ProtocolError } from './protocol-error.ts';
export { decodeRouteRefresh, encodeRouteRefresh, REFRESH, type RouteRefresh } from './route-refresh.ts';
export { newSession, type Session, type SessionStep } from './session/connections.ts';
export type { Connection, ConnectionTimer, Effect, SessionTimer, TimerOf } from './session/effects.ts';
export type { State } from './session/fsm.ts';
export { type SessionEvent, sessionState, stepSession } from './session/session.ts';
export { CALICO_TIMES, type SessionSettings, withJitter } from './session/settings.ts';
export { type Announcement, decodeUpdate, type Update, type UpdateContext, updateContext } from './update.ts';
export {
  type Announcements,
  encodeAnnouncements,
  encodeEndOfRib,
  encodeWithdrawals,
  sizeOfAnnouncements,
  writeAnnouncements,
} from './update-encoder.ts';
