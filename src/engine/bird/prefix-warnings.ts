/** Tells about sessions that near their limit of routes, before BIRD begins to refuse some. */
import type { Problem } from '../../model/problem.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import type { RouteCounts } from '../engine.ts';
import type { ResolvedRenderOptions } from './options.ts';
import { maxPrefixesOf } from './session-block.ts';

const WARN_AT = 0.8;

/** One warning for each session that holds 80 % of its limit or more. */
export function prefixWarnings(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  counts: ReadonlyMap<string, RouteCounts>,
): readonly Problem[] {
  const warnings: Problem[] = [];
  for (const session of config.sessions) {
    const most = maxPrefixesOf(config, options, session);
    const held = counts.get(session.name)?.imported ?? 0;
    if (most === null || held < most * WARN_AT) continue;
    const full = held >= most;
    warnings.push({
      code: 'prefix-limit',
      severity: 'warning',
      subject: session.because,
      message: `session ${session.name} holds ${held} routes of at most ${most}${full ? ': further ones are refused' : ''}`,
      hint: full
        ? 'Raise --max-prefixes or its max_prefixes, or find out why this peer announces so many.'
        : 'Raise --max-prefixes or its max_prefixes before routes are refused.',
    });
  }
  return warnings;
}
