/**
 * Error codes and subcodes of NOTIFICATION messages with the names that IANA and the RFCs give them:
 * RFC 4271 sections 4.5 and 6, RFC 4486 (Cease), RFC 5492 (Unsupported Capability), RFC 6608 (Finite State
 * Machine Error), RFC 7313 (ROUTE-REFRESH), RFC 8538 (Hard Reset), RFC 9234 (Role Mismatch), RFC 9687 (Send Hold
 * Timer Expired).
 */

export const ERROR = {
  header: 1,
  open: 2,
  update: 3,
  holdTimerExpired: 4,
  stateMachine: 5,
  cease: 6,
  routeRefresh: 7,
  sendHoldTimerExpired: 8,
} as const;

export const HEADER_ERROR = { notSynchronized: 1, badLength: 2, badType: 3 } as const;

export const OPEN_ERROR = {
  unspecific: 0,
  unsupportedVersion: 1,
  badPeerAs: 2,
  badIdentifier: 3,
  unsupportedParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7,
} as const;

export const UPDATE_ERROR = {
  malformedAttributeList: 1,
  unrecognizedWellKnown: 2,
  missingWellKnown: 3,
  attributeFlags: 4,
  attributeLength: 5,
  invalidOrigin: 6,
  invalidNextHop: 8,
  optionalAttribute: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

export const STATE_MACHINE_ERROR = {
  unspecific: 0,
  inOpenSent: 1,
  inOpenConfirm: 2,
  inEstablished: 3,
} as const;

export const CEASE = {
  maximumPrefixes: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  collisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

export const ROUTE_REFRESH_ERROR = { invalidLength: 1 } as const;

interface ErrorName {
  readonly name: string;
  readonly subcodes: Readonly<Record<number, string>>;
}

const NAMES: Readonly<Record<number, ErrorName>> = {
  1: {
    name: 'Message Header Error',
    subcodes: { 1: 'Connection Not Synchronized', 2: 'Bad Message Length', 3: 'Bad Message Type' },
  },
  2: {
    name: 'OPEN Message Error',
    subcodes: {
      1: 'Unsupported Version Number',
      2: 'Bad Peer AS',
      3: 'Bad BGP Identifier',
      4: 'Unsupported Optional Parameter',
      5: 'Authentication Failure',
      6: 'Unacceptable Hold Time',
      7: 'Unsupported Capability',
      11: 'Role Mismatch',
    },
  },
  3: {
    name: 'UPDATE Message Error',
    subcodes: {
      1: 'Malformed Attribute List',
      2: 'Unrecognized Well-known Attribute',
      3: 'Missing Well-known Attribute',
      4: 'Attribute Flags Error',
      5: 'Attribute Length Error',
      6: 'Invalid ORIGIN Attribute',
      7: 'AS Routing Loop',
      8: 'Invalid NEXT_HOP Attribute',
      9: 'Optional Attribute Error',
      10: 'Invalid Network Field',
      11: 'Malformed AS_PATH',
    },
  },
  4: { name: 'Hold Timer Expired', subcodes: {} },
  5: {
    name: 'Finite State Machine Error',
    subcodes: {
      1: 'Unexpected Message in OpenSent State',
      2: 'Unexpected Message in OpenConfirm State',
      3: 'Unexpected Message in Established State',
    },
  },
  6: {
    name: 'Cease',
    subcodes: {
      1: 'Maximum Number of Prefixes Reached',
      2: 'Administrative Shutdown',
      3: 'Peer De-configured',
      4: 'Administrative Reset',
      5: 'Connection Rejected',
      6: 'Other Configuration Change',
      7: 'Connection Collision Resolution',
      8: 'Out of Resources',
      9: 'Hard Reset',
      10: 'BFD Down',
    },
  },
  7: { name: 'ROUTE-REFRESH Message Error', subcodes: { 1: 'Invalid Message Length' } },
  8: { name: 'Send Hold Timer Expired', subcodes: {} },
};

/** `Cease: Administrative Shutdown (6/2)`; numbers alone where no RFC names them. */
export function errorName(code: number, subcode: number): string {
  const known = NAMES[code];
  if (known === undefined) return `unknown error (${code}/${subcode})`;
  const sub = known.subcodes[subcode];
  return `${known.name}${sub === undefined ? '' : `: ${sub}`} (${code}/${subcode})`;
}
