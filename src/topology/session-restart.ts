/** Which settings close a session when they change, and which an engine changes while it stays up. */
import type { SessionConfig, SpeakerConfig } from './speaker-config.ts';

/** Settings that an engine changes while the session stays up. All others close it. */
export const SOFT_FIELDS: ReadonlySet<string> = new Set<keyof SessionConfig>([
  'kind',
  'peerName',
  'nextHop',
  'importFilters',
  'exportFilters',
  'importPolicy',
  'exportPolicy',
  'filters',
  'reachableBy',
  'maxPrefixes',
  'because',
]);

/** Settings of the whole speaker that close every session when they change. */
export const SPEAKER_FIELDS = [
  'routerId',
  'listenPort',
  'ipv4',
  'ipv6',
] as const satisfies readonly (keyof SpeakerConfig)[];

/** The settings that differ and close the session, in the order in which people read them. */
export function restartingFields(before: SessionConfig, after: SessionConfig): readonly string[] {
  const other = new Map<string, unknown>(Object.entries(after));
  return Object.entries(before)
    .filter(
      ([field, value]) =>
        !SOFT_FIELDS.has(field) && JSON.stringify(value) !== JSON.stringify(other.get(field)),
    )
    .map(([field]) => field);
}
