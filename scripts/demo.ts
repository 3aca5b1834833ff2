/**
 * `npm run demo [-- --ipv6]`: the main job on this machine. Six reflectors and nine nodes in three racks, real
 * BGP on loopback addresses and unprivileged ports, a folder of YAML as the datastore. Needs no root, no daemon and no
 * network namespace; Ctrl-C removes all that it made. `--ipv6` (root) runs both families.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLaboratory } from './demo/laboratory.ts';
import { addAddresses, removeAddresses, writeResources } from './demo/resources.ts';
import { type DemoView, renderView, totals } from './demo/view.ts';

const LOOK_EVERY_MS = 500;

const { values } = parseArgs({ options: { ipv6: { type: 'boolean', default: false } } });
const terminal = process.stdout.isTTY === true;
const colour = terminal && process.env.NO_COLOR === undefined;

if (values.ipv6 && process.getuid?.() !== 0) {
  process.stderr.write(
    '--ipv6 puts addresses on the loopback interface and so needs root; without it no root is needed.\n',
  );
  process.exit(2);
}

/** What to try, in an order that tells a story. */
function hints(folder: string): string {
  const program = relative(process.cwd(), join(import.meta.dirname, '../bin/calico-rr')) || 'calico-rr';
  return [
    `Try in another terminal, with D=${folder}`,
    `  look at the sessions   ${program} status --state-dir $D/rr1`,
    `  ask why they exist     ${program} sessions rr1 -f $D/resources`,
    `  ask why of a route     ${program} explain route 10.65.3.0/26 --state-dir $D/rr1`,
    '  add a tenth node       cp $D/more/n10.yaml $D/resources/',
    `  drain a reflector      ${program} drain --state-dir $D/rr1`,
    `  lose all reflectors'   rm $D/resources/reflectors.yaml   (and nothing happens:`,
    `  entries by mistake     ${program} status --state-dir $D/rr3   says what is held)`,
    'Ctrl-C ends the demo and removes all of it.',
  ].join('\n');
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'calico-rr-demo-'));
  const complaints: string[] = [];
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.resolve());
  let ended = false;
  void stopped.promise.then(() => {
    ended = true;
  });

  try {
    if (values.ipv6) addAddresses();
    await writeResources(folder, values.ipv6);
    const laboratory = startLaboratory(folder, (text) => complaints.push(text));
    try {
      process.stdout.write(
        'Six reflectors and nine nodes in three racks, on 127.0.0.0/8. Starting them ...\n',
      );
      let shown = '';
      while (!ended) {
        const view = await laboratory.observe();
        const text = screen(view, folder, complaints);
        if (text !== shown && view.reflectors.length > 0) show(text);
        shown = text;
        await Promise.race([delay(LOOK_EVERY_MS), stopped.promise]);
      }
      process.stdout.write('\nEnding: reflectors and nodes are stopped, everything is removed ...\n');
    } finally {
      await laboratory.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    if (values.ipv6) removeAddresses();
  }
}

function screen(view: DemoView, folder: string, complaints: readonly string[]): string {
  const { sessions, sessionsUp, routes, routesExpected } = totals(view);
  const settled = sessions > 0 && sessions === sessionsUp && routes === routesExpected;
  // Piped into a file, the hints come once there is something to try; on a terminal they are always below.
  const tail = terminal || settled ? ['', hints(folder)] : [];
  return [renderView(view, colour), ...complaints, ...tail, ''].join('\n');
}

/** On a terminal the picture is drawn over the last one; elsewhere it is printed anew when it changed. */
function show(text: string): void {
  if (!terminal) {
    process.stdout.write(`${text}\n`);
    return;
  }
  const home = '\u001b[H';
  const clearToEndOfLine = '\u001b[K';
  const clearBelow = '\u001b[J';
  process.stdout.write(home + text.replaceAll('\n', `${clearToEndOfLine}\n`) + clearBelow);
}

if (terminal) process.stdout.write('\u001b[2J');
await main();
