/**
 * `--watch`: looks again and again. On a terminal the last look stands alone on the screen; elsewhere each that differs
 * from the one before is printed (as one line of JSON where that is asked for). What fails is told, and it goes on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../print-error.ts';
import type { Answer } from './run-status.ts';

export interface WatchOptions {
  readonly json: boolean;
  readonly seconds: number;
}

/** Cursor home, and nothing below. */
const CLEAR = '\x1b[H\x1b[2J\x1b[3J';

/** Until the reader of standard output is gone, or the user ends it. */
export async function watchAnswers(
  look: () => Promise<Answer>,
  { json, seconds }: WatchOptions,
): Promise<void> {
  const ended = new AbortController();
  const gone = (error: Error): void => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
    ended.abort();
  };
  process.stdout.on('error', gone);
  const screen = process.stdout.isTTY && !json;
  let shown: string | undefined;
  try {
    while (!ended.signal.aborted) {
      const { text, key } = await lookOnce(look, json);
      if (screen) process.stdout.write(`${CLEAR}${text}\nEvery ${seconds} s; Ctrl-C ends it.\n`);
      else if (key !== shown) process.stdout.write(shown === undefined || json ? text : `---\n${text}`);
      shown = key;
      await delay(seconds * 1000, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  } finally {
    process.stdout.off('error', gone);
  }
}

async function lookOnce(
  look: () => Promise<Answer>,
  json: boolean,
): Promise<{ readonly text: string; readonly key: string }> {
  try {
    const answer = await look();
    const line = JSON.stringify(answer.json);
    return { text: json ? `${line}\n` : answer.text, key: JSON.stringify(answer.json, withoutAge) };
  } catch (error) {
    const { text } = describeError(error, false);
    if (json) return { text: `${JSON.stringify({ error: text })}\n`, key: text };
    return { text: `${text}\n`, key: text };
  }
}

/** Ages and counters grow while nothing changes. */
function withoutAge(name: string, value: unknown): unknown {
  return name === 'ageSeconds' || name === 'counters' ? undefined : value;
}
