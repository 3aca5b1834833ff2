/** What `sessions` prints: one speaker, or all of them one after the other. */
import type { SpeakerView } from '../topology/topology.ts';
import { checkOutput } from './output.ts';
import { problemsText, sessionsText } from './session-text.ts';
import type { SessionsFlags } from './sessions.ts';
import { findSpeaker, readTopology } from './speaker-source.ts';

export interface SessionsOutput {
  /** For standard error. */
  readonly problems: string;
  /** For standard output, piece by piece. */
  readonly text: Iterable<string>;
}

/** @throws E_USAGE for another output than JSON, E_NOT_FOUND for a name that nobody has, what reading throws */
export async function runSessions(name: string | undefined, flags: SessionsFlags): Promise<SessionsOutput> {
  const json = checkOutput(flags.output);
  if (name !== undefined) {
    const { view, problems } = await findSpeaker(name, flags);
    return { problems: problemsText(problems), text: [json ? `${jsonOf(view)}\n` : textOf(view)] };
  }
  const { topology, warnings } = await readTopology(flags);
  const views = topology.speakers().map((speaker) => () => topology.speaker(speaker));
  return {
    problems: problemsText([...warnings, ...topology.check()]),
    text: json ? jsonOfAll(views) : textOfAll(views),
  };
}

function jsonOf(view: SpeakerView): string {
  return JSON.stringify(view.config(), null, 2);
}

function textOf(view: SpeakerView): string {
  return sessionsText(view.config(), view.standing);
}

function* jsonOfAll(views: readonly (() => SpeakerView)[]): Iterable<string> {
  yield '[';
  for (const [at, view] of views.entries()) yield `${at === 0 ? '' : ','}\n${jsonOf(view())}`;
  yield '\n]\n';
}

function* textOfAll(views: readonly (() => SpeakerView)[]): Iterable<string> {
  if (views.length === 0) yield 'There are no RouteReflectors and no Nodes.\n';
  for (const [at, view] of views.entries()) yield `${at === 0 ? '' : '\n'}${textOf(view())}`;
}
