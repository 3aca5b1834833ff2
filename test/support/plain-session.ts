/** What a session of tests and benches has that nobody asked anything special of. */
import type { SessionConfig } from '../../src/topology/speaker-config.ts';

/** Spread it first; who the peer is, and whether it is a client, is for the test to say. */
export const PLAIN_SESSION = {
  passive: false,
  nextHop: 'auto',
  password: false,
  passwordRef: null,
  ttlSecurityHops: null,
  gracefulRestartSeconds: 120,
  keepaliveSeconds: null,
  holdTimeSeconds: null,
  allowLocalAs: 0,
  importFilters: [],
  exportFilters: [],
  importPolicy: 'accept',
  exportPolicy: 'accept',
  filters: [],
  reachableBy: null,
  maxPrefixes: null,
} as const satisfies Partial<SessionConfig>;
