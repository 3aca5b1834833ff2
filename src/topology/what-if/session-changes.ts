/** What comes, goes and restarts at each speaker between two states of the cluster. */
import type { Family } from '../../model/address.ts';
import type { MeshMembers } from '../cluster/mesh-members.ts';
import type { ClusterSpeaker } from '../cluster/sessions-of-all.ts';
import { sameRecord } from '../same-record.ts';
import { restartingFields, SPEAKER_FIELDS } from '../session-restart.ts';
import type { SessionConfig } from '../speaker-config.ts';
import type { MeshChange, SpeakerChange } from './judgement.ts';

/** @returns null where nothing of it changes */
export function speakerChange(
  before: ClusterSpeaker | undefined,
  after: ClusterSpeaker | undefined,
): SpeakerChange | null {
  const speaker = after ?? before;
  if (speaker === undefined || before === after) return null;
  const come: SessionConfig[] = [];
  const go: SessionConfig[] = [];
  const restart: { before: SessionConfig; after: SessionConfig; fields: readonly string[] }[] = [];
  const stay: { before: SessionConfig; after: SessionConfig }[] = [];
  const own = speakerFields(before, after);
  for (const [address, was] of before?.sessions ?? []) {
    const is = after?.sessions.get(address);
    if (is === undefined) go.push(was);
    else if (own.length > 0 || (was !== is && !sameRecord(was, is))) {
      const fields = [...own, ...restartingFields(was, is)];
      if (fields.length > 0) restart.push({ before: was, after: is, fields });
      else stay.push({ before: was, after: is });
    }
  }
  for (const [address, is] of after?.sessions ?? []) if (!before?.sessions.has(address)) come.push(is);
  if (come.length + go.length + restart.length + stay.length === 0) return null;
  const byName = (one: SessionConfig, other: SessionConfig) => (one.name < other.name ? -1 : 1);
  return {
    speaker: speaker.name,
    role: speaker.frame.settings.role,
    come: come.sort(byName),
    go: go.sort(byName),
    restart: restart.sort((one, other) => byName(one.before, other.before)),
    stay: stay.sort((one, other) => byName(one.before, other.before)),
  };
}

function speakerFields(
  before: ClusterSpeaker | undefined,
  after: ClusterSpeaker | undefined,
): readonly string[] {
  if (before === undefined || after === undefined) return [];
  const [one, other] = [before.frame.settings, after.frame.settings];
  return SPEAKER_FIELDS.filter((field) => one[field] !== other[field]);
}

/** @returns null where nothing of it changes */
export function meshChange(family: Family, before: MeshMembers, after: MeshMembers): MeshChange | null {
  const leave: string[] = [];
  const restart: string[] = [];
  const others = before.settings !== after.settings;
  for (const [name, was] of before.members) {
    const is = after.members.get(name);
    if (is === undefined) leave.push(name);
    else if (others || !sameRecord(was, is)) restart.push(name);
  }
  const join = [...after.members.keys()].filter((name) => !before.members.has(name));
  if (leave.length + restart.length + join.length === 0) return null;
  return {
    family,
    membersBefore: before.members.size,
    membersAfter: after.members.size,
    leave: leave.sort(),
    join: join.sort(),
    restart: restart.sort(),
  };
}
