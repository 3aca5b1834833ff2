/**
 * Colours: on a terminal, and not where NO_COLOR is set (https://no-color.org). Under the name calicoctl there are none,
 * as there.
 */
import { styleText } from 'node:util';
import { programName } from './program-name.ts';

const STYLES = { good: 'green', bad: 'red', attention: 'yellow', quiet: 'dim' } as const;
export type Paint = keyof typeof STYLES;

/** The text, coloured for standard output where that shows colours. */
export function paint(as: Paint, text: string): string {
  if (programName() === 'calicoctl') return text;
  return styleText(STYLES[as], text, { stream: process.stdout, validateStream: true });
}
