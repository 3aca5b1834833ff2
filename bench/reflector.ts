/**
 * The native engine alone, for measuring: `node bench/reflector.ts CONFIG.json` runs what a SpeakerConfig in JSON asks for
 * and prints `ready` once it listens. SIGHUP adds the sessions of CONFIG.json.more, as the agent does it: the others stay
 * the same objects. SIGUSR2 prints how late the event loop was so far. SIGTERM ends it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import { pino } from 'pino';
import { createNativeEngine } from '../src/engine/native/native-engine.ts';
import type { SessionConfig, SpeakerConfig } from '../src/topology/speaker-config.ts';

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node bench/reflector.ts CONFIG.json\n');
  process.exit(2);
}
const stateDir = mkdtempSync(join(tmpdir(), 'calico-rr-bench-'));
const log = pino({ level: process.env.BENCH_LOG ?? 'silent' });
const engine = createNativeEngine({ stateDir, log, maxPrefixes: 1_000_000 });

async function apply(config: SpeakerConfig): Promise<void> {
  const { refused } = await engine.apply(config, new Map());
  for (const { session, problem } of refused) {
    process.stderr.write(`${session}: ${problem.message}\n`);
  }
}

/** A timer of so many milliseconds looks how late it is. */
const SAMPLE_MS = 20;
const late = createHistogram();
/** Starting is not what is looked at. */
const SETTLED_MS = 200;

function watchLoop(): void {
  let before = performance.now();
  setInterval(() => {
    const now = performance.now();
    // A histogram takes whole numbers above 0: microseconds.
    late.record(Math.max(1, Math.round((now - before - SAMPLE_MS) * 1000)));
    before = now;
  }, SAMPLE_MS);
}

function tellLoopDelay(): void {
  const at = (percent: number): string => (late.percentile(percent) / 1000).toFixed(1);
  process.stdout.write(`loop delay ${at(50)} | ${at(99)} | ${(late.max / 1000).toFixed(1)}\n`);
}

let config: SpeakerConfig = JSON.parse(readFileSync(file, 'utf8'));
await apply(config);
process.stdout.write('ready\n');
setTimeout(watchLoop, SETTLED_MS);
process.on('SIGHUP', () => {
  const more: readonly SessionConfig[] = JSON.parse(readFileSync(`${file}.more`, 'utf8'));
  config = { ...config, sessions: [...config.sessions, ...more] };
  void apply(config);
});
process.on('SIGUSR2', tellLoopDelay);
process.on('SIGTERM', () => {
  void engine.stop('graceful').then(() => {
    rmSync(stateDir, { recursive: true, force: true });
    process.exit(0);
  });
});
