/** The log of `calico-rr run`: JSON lines on stdout, and on a terminal one line for a person each. */
import { type Logger, pino } from 'pino';

/** Keys that every line has, or that the line shows anyway. */
const SHOWN_ALREADY: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'instance', 'msg']);

/** Octets of log lines that may wait to be read; what comes beyond them is dropped. */
const MOST_WAITING = 16 * 1024 * 1024;

export async function createLog(level: string, instance: string): Promise<Logger> {
  const options = { level, base: { instance }, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) {
    // Not waited for: who reads our log may be slow, or stop reading, and BGP must go on.
    const destination = pino.destination({ fd: 1, sync: false, maxLength: MOST_WAITING });
    // Whoever read our log may go away; that is no reason for a reflector to go as well.
    destination.on('error', () => {});
    return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, destination);
  }
  process.stdout.on('error', () => {});
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
    messageFormat: (line) => [String(line.msg), ...detailsOf(line)].join('  '),
  });
  stream.on('error', () => {});
  return pino(options, stream);
}

function detailsOf(line: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(line)
    .filter(([key, value]) => !SHOWN_ALREADY.has(key) && value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`);
}

function quoted(text: string): string {
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
