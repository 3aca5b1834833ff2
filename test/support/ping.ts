/** Pings between workloads, one each 10 ms, with every loss counted. */
import { debianTools } from '../../scripts/debian.ts';
import type { Host } from './namespaces.ts';
import { until } from './until.ts';

export interface PingReport {
  readonly from: string;
  readonly to: string;
  readonly sent: number;
  readonly lost: number;
}

export interface Ping {
  finish(): Promise<PingReport>;
}

/** A path that gives no answer for so long at the end is cut, and what was sent since its last answer is lost. */
const LAST_ANSWER_MS = 5_000;

/** Answers that pass through different cores may overtake each other, but not so many of them. */
const OVERTAKING = 10;

/** Starts to ping and returns once the first answer has come. */
export async function startPing(host: Host, source: string, target: string): Promise<Ping> {
  const family = target.includes(':') ? '-6' : '-4';
  const ping = await host.start(debianTools().ping, [family, '-n', '-i', '0.01', '-I', source, target]);
  const answered = new Set<number>();
  let last = 0;
  let first = 0;
  ping.onLine((line) => {
    const sequence = Number(/ icmp_seq=(\d+) .*time=/.exec(line)?.[1] ?? 0);
    if (sequence === 0) return;
    answered.add(sequence);
    first ||= sequence;
    last = Math.max(last, sequence);
  });
  await until(
    () => answered.size > 0,
    () => `${source} to reach ${target}: ${ping.output()}`,
    30_000,
  );
  return {
    async finish() {
      // On a busy machine answers come late, and several may be under way when the signal comes. One more answer shows
      // that the path is whole, and some after it that none before it is on its way; what was sent later is not counted.
      const heard = last;
      const next = await until(() => (last > heard ? last : undefined), 'one more answer', LAST_ANSWER_MS)
        .then(async (one) => {
          await until(() => last >= one + OVERTAKING, 'more answers', LAST_ANSWER_MS);
          return one;
        })
        .catch(() => null);
      await ping.stop('SIGINT');
      const sent = Number(/(\d+) packets transmitted/.exec(ping.output())?.[1] ?? 0);
      if (sent === 0) throw new Error(`ping of ${target} gave no summary: ${ping.output()}`);
      const counted = next ?? sent;
      const received = [...answered].filter((sequence) => sequence >= first && sequence <= counted).length;
      // The ones before the first answer are set-up.
      return { from: source, to: target, sent: counted - first + 1, lost: counted - first + 1 - received };
    },
  };
}

/** Pings several pairs at once. */
export async function startPings(
  pairs: readonly { readonly host: Host; readonly source: string; readonly target: string }[],
): Promise<{ finish(): Promise<readonly PingReport[]> }> {
  const pings = await Promise.all(pairs.map(({ host, source, target }) => startPing(host, source, target)));
  return { finish: () => Promise.all(pings.map((ping) => ping.finish())) };
}
