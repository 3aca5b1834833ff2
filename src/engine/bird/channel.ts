/** BIRD 2 gives a protocol a channel for each family; a daemon of BIRD 1 has one family and knows no channels. */
import type { Family } from '../../model/address.ts';
import type { ResolvedRenderOptions } from './options.ts';

/** The line by which a protocol gets a channel with nothing to say about it. */
export function channelOf(options: ResolvedRenderOptions, family: Family): readonly string[] {
  return options.dialect === 'bird2' ? [`  ipv${family};`] : [];
}

/** Lines that stand in a protocol's channel, or in the protocol itself where there are none; indented. */
export function inChannel(
  options: ResolvedRenderOptions,
  family: Family,
  lines: readonly string[],
): readonly string[] {
  if (options.dialect !== 'bird2') return lines.map((line) => `  ${line}`);
  return [`  ipv${family} {`, ...lines.map((line) => `    ${line}`), '  };'];
}
