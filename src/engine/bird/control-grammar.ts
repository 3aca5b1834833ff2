/**
 * The reply grammar of BIRD's control socket, as a reader that is fed with whatever pieces the socket yields.
 * Pure. Each line is `NNNN-text` (more follows), ` text` (same code, more follows), `NNNN text` (the last line
 * of a reply) or `+text` (a spontaneous message, part of no reply). Only the code decides where a reply ends.
 */
import { CalicoRrError } from '../../model/errors.ts';

export interface ReplyLine {
  readonly code: number;
  readonly text: string;
}

export interface Reply {
  /** Code of the last line. 0..: done, 8..: the daemon could not, 9..: it did not understand. */
  readonly code: number;
  /** Text of the last line. */
  readonly text: string;
  /** Every line, the last one included. */
  readonly lines: readonly ReplyLine[];
}

export type ControlEvent =
  | { readonly type: 'reply'; readonly reply: Reply }
  | { readonly type: 'message'; readonly text: string };

export interface ReplyReader {
  /**
   * The replies and messages that are complete with this piece of text.
   * @throws E_ENGINE_PROTOCOL on a line that is none of the grammar's
   */
  push(piece: string): readonly ControlEvent[];
}

export function createReplyReader(): ReplyReader {
  let pending = '';
  let lines: ReplyLine[] = [];
  let code: number | undefined;

  function readLine(line: string): ControlEvent | undefined {
    if (line.startsWith('+')) return { type: 'message', text: line.slice(1) };
    if (line.startsWith(' ') && code !== undefined) {
      lines.push({ code, text: line.slice(1) });
      return undefined;
    }
    const match = /^(\d{4})([ -])(.*)$/s.exec(line);
    if (match === null) {
      throw new CalicoRrError(
        'E_ENGINE_PROTOCOL',
        `the control socket sent a line that is none of BIRD's: ${line}`,
        {
          hint: 'Look at what listens on this socket; it does not answer as BIRD does.',
        },
      );
    }
    code = Number(match[1]);
    lines.push({ code, text: match[3] ?? '' });
    if (match[2] === '-') return undefined;
    const reply = { code, text: match[3] ?? '', lines };
    lines = [];
    code = undefined;
    return { type: 'reply', reply };
  }

  return {
    push(piece) {
      const events: ControlEvent[] = [];
      const parts = (pending + piece).split('\n');
      pending = parts.pop() ?? '';
      for (const part of parts) {
        const event = readLine(part);
        if (event !== undefined) events.push(event);
      }
      return events;
    },
  };
}

/** The texts of all lines with this code, in order. */
export function textsOf(reply: Reply, code: number): readonly string[] {
  return reply.lines.filter((line) => line.code === code).map((line) => line.text);
}
