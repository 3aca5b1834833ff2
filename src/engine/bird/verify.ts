/**
 * After `configure`: waits until BIRD has done what it was told, and sees that just the sessions that were
 * asked for run. "The file is right but BIRD did not take it" is a failure that people met for years.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CalicoRrError } from '../../model/errors.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import type { ControlSocket } from './control-socket.ts';
import { type DaemonStatus, type ProtocolRow, parseProtocols, parseStatus } from './replies.ts';

/** How long protocols may take to go down and come back: BIRD gives a dead peer 10 s to take its NOTIFICATION. */
export const SETTLE_TIMEOUT_MS = 20_000;

/** A session opens its socket some moments after BIRD took it; only then does it know whether it can. */
const OPENING_TIMEOUT_MS = 2_000;

export type Rows = ReadonlyMap<string, ProtocolRow>;

/** The BGP rows of `show protocols` by name. */
export async function bgpRows(control: ControlSocket): Promise<Rows> {
  const rows = parseProtocols(await control.request('show protocols'));
  return new Map(rows.filter((row) => row.proto === 'BGP').map((row) => [row.name, row]));
}

export async function daemonStatus(control: ControlSocket): Promise<DaemonStatus> {
  return parseStatus(await control.request('show status'));
}

/**
 * @param asked names of the sessions that must run
 * @param disabled they are meant to be down (drained)
 * @returns their rows, once all is done
 * @throws E_ENGINE_PROTOCOL where others run, E_ENGINE_START where BIRD holds some down
 */
export async function verifyRunning(
  control: ControlSocket,
  asked: ReadonlySet<string>,
  config: SpeakerConfig,
  disabled: boolean,
): Promise<Rows> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  for (let wait = 2; ; wait = Math.min(wait * 2, 200)) {
    const [status, rows] = await Promise.all([daemonStatus(control), bgpRows(control)]);
    if (!status.reconfiguring && sameNames(asked, rows)) {
      return disabled ? rows : enableAll(control, config, await untilOpened(control, rows));
    }
    if (performance.now() > deadline) throw notAsAsked(asked, rows, status);
    await pause(wait);
  }
}

async function untilOpened(control: ControlSocket, rows: Rows): Promise<Rows> {
  const deadline = performance.now() + OPENING_TIMEOUT_MS;
  let now = rows;
  for (let wait = 2; [...now.values()].some(isOpening); wait = Math.min(wait * 2, 200)) {
    if (performance.now() > deadline) break;
    await pause(wait);
    now = await bgpRows(control);
  }
  return now;
}

/**
 * Started, but neither connecting nor waiting for anything that BIRD names; or on its way down, as a session is for
 * a moment that could not open its socket.
 */
function isOpening(row: ProtocolRow): boolean {
  return (
    row.state === 'stop' || row.state === 'flush' || (row.state === 'start' && row.info.trim() === 'Idle')
  );
}

/** Disabled by BIRD itself, for good, for a reason that may be gone by now; what a person disabled says nothing. */
export function gaveUp(row: ProtocolRow): boolean {
  return row.state === 'down' && /No listening socket|MD5 auth failed/i.test(row.info);
}

/** BIRD disables a session for good when it cannot listen; once more may do, as the port may be free by now. */
async function enableAll(control: ControlSocket, config: SpeakerConfig, rows: Rows): Promise<Rows> {
  const idle = [...rows.values()].filter((row) => row.state === 'down');
  if (idle.length === 0) return rows;
  await Promise.all(idle.map((row) => control.request(`enable ${row.name}`)));
  const again = await untilOpened(control, await bgpRows(control));
  const still = idle.map((row) => again.get(row.name)).find((row) => row?.state === 'down');
  if (still !== undefined) throw heldDown(config, still);
  return again;
}

function sameNames(asked: ReadonlySet<string>, rows: Rows): boolean {
  if (asked.size !== rows.size) return false;
  for (const name of rows.keys()) if (!asked.has(name)) return false;
  return true;
}

function heldDown(config: SpeakerConfig, row: ProtocolRow): CalicoRrError {
  const own = config.sessions.find((session) => session.name === row.name);
  const address = own?.sourceAddress ?? (own?.family === 6 ? config.ipv6 : config.ipv4);
  return /No listening socket/i.test(row.info)
    ? new CalicoRrError(
        'E_ENGINE_START',
        `BIRD cannot listen on ${address} port ${config.listenPort}, so ${row.name} is down`,
        { hint: `Another program may hold the port: ss -ltnp 'sport = :${config.listenPort}' names it.` },
      )
    : new CalicoRrError(
        'E_ENGINE_START',
        `BIRD holds ${row.name} down: ${row.info || 'it gives no reason'}`,
        { hint: "See BIRD's log in the state directory." },
      );
}

function notAsAsked(asked: ReadonlySet<string>, rows: Rows, status: DaemonStatus): CalicoRrError {
  const missing = [...asked].filter((name) => !rows.has(name));
  const extra = [...rows.keys()].filter((name) => !asked.has(name));
  const parts = [
    ...(missing.length === 0 ? [] : [`does not run ${some(missing)}`]),
    ...(extra.length === 0 ? [] : [`still runs ${some(extra)}`]),
    ...(status.reconfiguring ? ['is still reconfiguring'] : []),
  ];
  return new CalicoRrError(
    'E_ENGINE_PROTOCOL',
    `BIRD took the configuration, but after ${SETTLE_TIMEOUT_MS / 1000} s it ${parts.join(' and ')}`,
    { hint: 'It is verified again with the next apply. See bird.log in the state directory.' },
  );
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
