/**
 * The sessions of Calico's own node on this machine, as `calicoctl node status` finds them: Felix among the processes,
 * and the control sockets of its two BIRDs. calicoctl shows only sessions that have a state of BGP, and no address that
 * has a port as one; both are shown here under our own name (calicoctl/commands/node/status.go, v3.30).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type ControlSocket, openControlSocket } from '../../engine/bird/control-socket.ts';
import { type ProtocolRow, parseProtocols } from '../../engine/bird/replies.ts';
import type { Family } from '../../model/address.ts';
import { hasCode, messageOf } from '../../model/errors.ts';

export interface CalicoSession {
  readonly family: Family;
  /** Name of the protocol in BIRD, such as `Mesh_10_0_0_4`. */
  readonly name: string;
  readonly peerAddress: string;
  /** Absent: BGP's own. */
  readonly peerPort?: number;
  readonly type: 'global' | 'node specific' | 'node-to-node mesh' | 'local workload';
  /** State of the protocol: `up`, `start`, `down`... */
  readonly state: string;
  /** BIRD's own text: a time of today, or a date. */
  readonly since: string;
  /** Empty for a session that is switched off. */
  readonly info: string;
}

/** One BIRD; `socket` is where it was asked, or was looked for last. */
export type CalicoBird =
  | { readonly family: Family; readonly answer: 'sessions'; readonly socket: string }
  | { readonly family: Family; readonly answer: 'error'; readonly socket: string; readonly error: string }
  | { readonly family: Family; readonly answer: 'not running' };

export interface CalicoNode {
  readonly felix: boolean;
  readonly birds: readonly CalicoBird[];
  readonly sessions: readonly CalicoSession[];
}

const TYPES = {
  Global: 'global',
  Node: 'node specific',
  Mesh: 'node-to-node mesh',
  Local_Workload: 'local workload',
} as const satisfies Record<string, CalicoSession['type']>;

/** calicoctl waits this long for each line; a BIRD that loads routes answers late. */
const PATIENCE_MS = 5_000;

/** Calico's node on this machine, or undefined where there is none: no Felix, and no BIRD at Calico's own sockets. */
export async function readCalicoNode(env: NodeJS.ProcessEnv): Promise<CalicoNode | undefined> {
  const commands = runningCommands(env.HOST_PROC || '/proc');
  const felix = commands.some(isFelix);
  const looks = await Promise.all(([4, 6] as const).map((family) => lookAt(family, env, commands, felix)));
  const birds = looks.map(({ bird }) => bird);
  if (!felix && birds.every(({ answer }) => answer !== 'sessions')) return undefined;
  return { felix, birds, sessions: looks.flatMap(({ sessions }) => sessions) };
}

interface Look {
  readonly bird: CalicoBird;
  readonly sessions: readonly CalicoSession[];
}

async function lookAt(
  family: Family,
  env: NodeJS.ProcessEnv,
  commands: readonly (readonly string[])[],
  felix: boolean,
): Promise<Look> {
  const daemon = family === 4 ? 'bird' : 'bird6';
  const calico = join(env.CALICO_RR_CALICO_RUN || '/var/run/calico', `${daemon}.ctl`);
  // Where Calico runs without containers, and a BIRD of somebody else where it does not run.
  const sockets = felix ? [calico, `/var/run/bird/${daemon}.ctl`] : [calico];
  let failure: Look | undefined;
  for (const socket of sockets) {
    try {
      const rows = await protocolsAt(socket);
      const sessions = rows.flatMap((row) => sessionOf(row, family));
      return { bird: { family, answer: 'sessions', socket }, sessions };
    } catch (error) {
      const why = `unable to connect to BIRDv${family} socket: ${messageOf(error)}`;
      const text = hasCode(error, 'EACCES') ? `${why}; try again with sudo` : why;
      // One that is there and does not answer says more than another that is not there.
      if (failure === undefined || !hasCode(error, 'ENOENT'))
        failure = { bird: { family, answer: 'error', socket, error: text }, sessions: [] };
    }
  }
  const runs = commands.some(([program = '']) => basename(program) === daemon);
  return runs && failure !== undefined ? failure : { bird: { family, answer: 'not running' }, sessions: [] };
}

async function protocolsAt(socket: string): Promise<readonly ProtocolRow[]> {
  let control: ControlSocket | undefined;
  try {
    control = await openControlSocket(socket, undefined, PATIENCE_MS);
    return parseProtocols(await control.request('show protocols', PATIENCE_MS));
  } finally {
    control?.close();
  }
}

function sessionOf(
  { name, proto, state, since, info }: ProtocolRow,
  family: Family,
): readonly CalicoSession[] {
  const parts = /^(Global|Node|Mesh|Local_Workload)_(.+?)(?:_port_(\d+))?$/.exec(name);
  const [, kind, address = '', port] = parts ?? [];
  if (proto !== 'BGP' || !isKind(kind)) return [];
  const peerAddress = address.replaceAll('_', family === 4 ? '.' : ':');
  const session = { family, name, peerAddress, type: TYPES[kind], state, since, info };
  return [port === undefined ? session : { ...session, peerPort: Number(port) }];
}

function isKind(kind: string | undefined): kind is keyof typeof TYPES {
  return kind !== undefined && kind in TYPES;
}

/** `calico-felix` of early images, `calico-node -felix` of all later. */
function isFelix([program = '', ...words]: readonly string[]): boolean {
  const name = basename(program);
  return name === 'calico-felix' || (name === 'calico-node' && words.includes('-felix'));
}

/** The words of every process that can be seen. */
function runningCommands(proc: string): readonly (readonly string[])[] {
  return processesOf(proc).flatMap((id) => {
    try {
      return [readFileSync(join(proc, id, 'cmdline'), 'utf8').split('\0')];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function processesOf(proc: string): readonly string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    // No Linux: no Calico node either.
    return [];
  }
}
