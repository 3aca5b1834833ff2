/**
 * Communities that mean the same everywhere: RFC 1997, RFC 8326 (graceful shutdown), RFC 9494 section 3.
 */
export const WELL_KNOWN_COMMUNITY = {
  /** Prefer any other route: this one is about to go (RFC 8326). */
  gracefulShutdown: 0xffff_0000,
  /** A stale route, kept for a peer that has been away for longer than its restart time (RFC 9494). */
  llgrStale: 0xffff_0006,
  /** Do not keep this route as a long-lived stale one (RFC 9494). */
  noLlgr: 0xffff_0007,
  noExport: 0xffff_ff01,
  noAdvertise: 0xffff_ff02,
  noExportSubconfed: 0xffff_ff03,
} as const;
