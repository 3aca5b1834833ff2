/** A judgement for people: losses first, then what happens to sessions. The same words wherever it is shown. */
import { nodesText, pairsText } from '../cluster/pairs.ts';
import type { ChangeJudgement, FewerReflectors, MeshChange, SpeakerChange } from './judgement.ts';

/** With more speakers touched than this, the rest is told as a number. */
const SPEAKERS_TOLD = 20;
const SESSIONS_TOLD = 5;

/** What the change takes, one sentence a line; empty where it takes nothing. */
export function lossLines({ lostPairs, fewerReflectors }: ChangeJudgement): readonly string[] {
  const lost = lostPairs.map((group) => {
    const pairs = `${group.pairs.toLocaleString('en')} ${group.pairs === 1 ? 'pair' : 'pairs'}`;
    return `${pairsText(group, true)} (${pairs}).`;
  });
  const byCount = Map.groupBy(
    fewerReflectors,
    ({ family, before, after }) => `IPv${family}: ${before} now, ${after} after`,
  );
  const fewer = [...byCount].map(([counts, nodes]) => fewerLine(counts, nodes));
  return [...lost, ...fewer];
}

function fewerLine(counts: string, nodes: readonly FewerReflectors[]): string {
  const names = nodesText(nodes.map(({ node }) => node));
  return `${names} ${nodes.length === 1 ? 'has' : 'have'} too few reflectors (${counts}).`;
}

/** Which sessions of which speakers come, go and restart, a line for each speaker. */
export function sessionLines({ speakers, meshes }: ChangeJudgement): readonly string[] {
  const told = speakers.slice(0, SPEAKERS_TOLD).map(speakerLine);
  const rest = speakers.slice(SPEAKERS_TOLD);
  if (rest.length > 0) {
    const sum = (of: 'come' | 'go' | 'restart') =>
      rest.reduce((total, speaker) => total + speaker[of].length, 0).toLocaleString('en');
    told.push(
      `${rest.length.toLocaleString('en')} more speakers: ${sum('go')} sessions go, ${sum('restart')} restart, ${sum('come')} come.`,
    );
  }
  return [...meshes.map(meshLine), ...told];
}

function speakerLine({ speaker, come, go, restart, stay }: SpeakerChange): string {
  const parts: string[] = [];
  const add = (names: readonly string[], one: string, many: string): void => {
    if (names.length > 0) parts.push(`${listed(names)} ${names.length === 1 ? one : many}`);
  };
  const nameOf = ({ name }: { readonly name: string }) => name;
  add(go.map(nameOf), 'goes', 'go');
  add(
    restart.map(({ before, after, fields }) =>
      before.name === after.name
        ? `${before.name} (${fields.join(', ')})`
        : `${before.name} as ${after.name}`,
    ),
    'restarts',
    'restart',
  );
  add(come.map(nameOf), 'comes', 'come');
  if (stay.length > 0) {
    parts.push(`${stay.length} ${stay.length === 1 ? 'changes and stays' : 'change and stay'} up`);
  }
  return `${speaker}: ${parts.join('; ')}.`;
}

function listed(names: readonly string[]): string {
  const more = names.length > SESSIONS_TOLD ? ` and ${names.length - SESSIONS_TOLD} more` : '';
  return `${names.slice(0, SESSIONS_TOLD).join(', ')}${more}`;
}

function meshLine({ family, membersBefore, membersAfter, leave, join, restart }: MeshChange): string {
  const parts: string[] = [];
  if (leave.length > 0) parts.push(`${nodesText(leave)} ${leave.length === 1 ? 'leaves' : 'leave'} it`);
  if (join.length > 0) parts.push(`${nodesText(join)} ${join.length === 1 ? 'joins' : 'join'} it`);
  if (restart.length > 0) parts.push(`all sessions of ${nodesText(restart)} restart`);
  const size = `${membersBefore.toLocaleString('en')} members before, ${membersAfter.toLocaleString('en')} after`;
  return `Node-to-node mesh, IPv${family}: ${parts.join('; ')} (${size}).`;
}
