/**
 * What BIRD refused, remembered: a refused section is left out, reported with every apply, and tried again
 * only when its text has changed.
 */
import { CalicoRrError } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import { checkFile } from './binary.ts';
import { type Staged, stage } from './config-file.ts';
import { isolate } from './isolate.ts';
import type { Refusal } from './judge.ts';
import type { Rendered } from './render.ts';

/** Renders with these owners left out. */
export type Render = (without: ReadonlySet<string>) => Rendered;

export interface Refusals {
  /** The text without what is known to be refused as it stands. */
  render(render: Render): Rendered;
  /**
   * A text that BIRD accepts, staged beside its target. Culprits are left out and remembered.
   * @throws E_ENGINE_REFUSED where nothing that could be left out is at fault
   */
  stage(wanted: Rendered, render: Render): Promise<{ readonly rendered: Rendered; readonly staged: Staged }>;
  report(config: SpeakerConfig): readonly Refusal[];
}

/**
 * @param target path of the file that is going to be replaced, asked for when it is needed
 * @param directory where BIRD opens the relative paths that the file names
 */
export function createRefusals(binary: string, directory: string, target: () => string): Refusals {
  const known = new Map<string, { readonly text: string; readonly message: string }>();

  async function complaintAbout(text: string): ReturnType<typeof checkFile> {
    const candidate = await stage(target(), text);
    try {
      return await checkFile(binary, candidate.path, directory);
    } finally {
      await candidate.discard();
    }
  }

  return {
    render(render) {
      const all = render(new Set());
      if (known.size === 0) return all;
      const texts = textsOf(all);
      for (const [owner, entry] of known) if (texts.get(owner) !== entry.text) known.delete(owner);
      return known.size === 0 ? all : render(new Set(known.keys()));
    },
    async stage(wanted, render) {
      const staged = await stage(target(), wanted.text);
      if ((await checkFile(binary, staged.path, directory)) === undefined)
        return { rendered: wanted, staged };
      await staged.discard();
      const already = [...known.keys()];
      const verdict = await isolate(
        (without) => render(new Set([...already, ...without])).sections,
        complaintAbout,
      );
      if (verdict.type === 'refused') {
        throw new CalicoRrError('E_ENGINE_REFUSED', `BIRD refuses the configuration: ${verdict.message}`, {
          hint: 'No single session is at fault. The old configuration runs on; `calico-rr render` shows the new one.',
        });
      }
      const texts = textsOf(wanted);
      for (const { owner, message } of verdict.culprits) {
        known.set(owner, { text: texts.get(owner) ?? '', message });
      }
      const rendered = render(new Set(known.keys()));
      return { rendered, staged: await stage(target(), rendered.text) };
    },
    report(config) {
      const because = new Map(config.sessions.map((session) => [session.name, session.because]));
      return [...known].map(([owner, entry]) => ({
        session: owner,
        problem: {
          code: 'engine-refused',
          severity: 'error',
          subject: because.get(owner) ?? owner,
          message: `BIRD refuses ${owner}: ${entry.message}`,
          hint: 'The rest was applied without it; it is tried again when it changes.',
        } satisfies Problem,
      }));
    },
  };
}

function textsOf(rendered: Rendered): ReadonlyMap<string, string> {
  return new Map(
    rendered.sections.flatMap((section): [string, string][] =>
      section.owner === null ? [] : [[section.owner, section.text]],
    ),
  );
}
