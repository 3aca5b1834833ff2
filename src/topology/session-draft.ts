/** A session with everything that a rule leaves unsaid, its fields in the order in which people read them. */
import { familyOf } from '../model/address.ts';
import type { SessionConfig } from './speaker-config.ts';

/** What every rule must say; all else has a default. */
export type SessionDraft = Pick<
  SessionConfig,
  | 'name'
  | 'kind'
  | 'peerAddress'
  | 'peerPort'
  | 'peerAs'
  | 'localAs'
  | 'peerName'
  | 'client'
  | 'sourceAddress'
  | 'passwordRef'
  | 'gracefulRestartSeconds'
  | 'because'
> &
  Partial<Omit<SessionConfig, 'family' | 'password'>>;

export function createSession(draft: SessionDraft): SessionConfig {
  return {
    name: draft.name,
    kind: draft.kind,
    family: familyOf(draft.peerAddress),
    peerAddress: draft.peerAddress,
    peerPort: draft.peerPort,
    peerAs: draft.peerAs,
    localAs: draft.localAs,
    peerName: draft.peerName,
    client: draft.client,
    // Only what is sent on or taken from a client session carries a cluster ID (RFC 4456 section 8).
    clusterId: draft.client ? (draft.clusterId ?? null) : null,
    passive: draft.passive ?? false,
    nextHop: draft.nextHop ?? 'auto',
    sourceAddress: draft.sourceAddress,
    password: draft.passwordRef !== null,
    passwordRef: draft.passwordRef,
    ttlSecurityHops: draft.ttlSecurityHops ?? null,
    gracefulRestartSeconds: draft.gracefulRestartSeconds,
    keepaliveSeconds: draft.keepaliveSeconds ?? null,
    holdTimeSeconds: draft.holdTimeSeconds ?? null,
    allowLocalAs: draft.allowLocalAs ?? 0,
    importFilters: draft.importFilters ?? [],
    exportFilters: draft.exportFilters ?? [],
    importPolicy: draft.importPolicy ?? 'accept',
    exportPolicy: draft.exportPolicy ?? 'accept',
    filters: draft.filters ?? [],
    reachableBy: draft.reachableBy ?? null,
    maxPrefixes: draft.maxPrefixes ?? null,
    because: draft.because,
  };
}
