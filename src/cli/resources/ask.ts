/** A question to whoever sits at the terminal, though standard input may be a document. */
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { ReadStream, WriteStream } from 'node:tty';

/** The answer; undefined where there is no terminal, or nobody sees the question. */
export async function askOnTerminal(question: string): Promise<string | undefined> {
  if (process.stderr.isTTY !== true) return undefined;
  let terminal: number;
  try {
    terminal = openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
  const input = new ReadStream(terminal);
  const output = new WriteStream(terminal);
  const questions = createInterface({ input, output });
  try {
    // End of input is no.
    const ended = new Promise<string>((resolve) => questions.once('close', () => resolve('')));
    return await Promise.race([questions.question(question), ended]);
  } finally {
    questions.close();
    input.destroy();
    output.destroy();
    try {
      closeSync(terminal);
    } catch {
      // The streams have closed it.
    }
  }
}
