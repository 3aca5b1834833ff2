/**
 * A process that runs a BIRD engine and can be killed as an agent is: reads a speaker's configuration from a
 * file, applies it, prints the report in one line, and waits. Arguments: STATE-DIR CONFIG-FILE BINARY.
 */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { createBirdEngine } from '../../src/engine/bird/bird-engine.ts';

const [stateDir = '', file = '', binary = ''] = process.argv.slice(2);
const engine = createBirdEngine({ binary, stateDir, instance: 'rr1', log: pino({ level: 'silent' }) });
const report = await engine.apply(JSON.parse(readFileSync(file, 'utf8')), new Map());
process.stdout.write(
  `${JSON.stringify({ wrote: report.wrote, sessions: Object.fromEntries(report.sessions) })}\n`,
);
setInterval(() => {}, 60_000);
