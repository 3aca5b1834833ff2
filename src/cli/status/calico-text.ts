/**
 * Calico's own node for people, in the words and tables of `calicoctl node status`. Under that name also what calicoctl
 * leaves out is left out: its table is what scripts were written for.
 */
import type { Family } from '../../model/address.ts';
import type { ProgramName } from '../program-name.ts';

import { linesOf } from '../wrap.ts';
import type { CalicoNode, CalicoSession } from './calico-node.ts';
import { type PeerRow, peerTable } from './text.ts';

/** Where the table of calicoctl breaks a cell. */
const CELL_WIDTH = 30;

export function calicoNodeText(node: CalicoNode, program: ProgramName): string {
  const head = node.felix
    ? 'Calico process is running.'
    : "Calico's Felix is not seen here; this is what its BIRD says.";
  const lines = [head, ''];
  if (node.birds.every(({ answer }) => answer === 'not running'))
    return `${[...lines, 'The BGP backend process (BIRD) is not running.'].join('\n')}\n\n`;
  for (const bird of node.birds) {
    const { family } = bird;
    if (bird.answer === 'not running') {
      const daemon = family === 4 ? 'bird' : 'bird6';
      lines.push(`INFO: BIRDv${family} process: '${daemon}' is not running.`, '');
    } else if (bird.answer === 'error') {
      lines.push(`IPv${family} BGP status`, `Error querying BIRD: ${bird.error}`, '');
    } else {
      lines.push(...peerTable(family, rowsOf(node.sessions, family, program)));
    }
  }
  return `${lines.join('\n')}\n`;
}

function rowsOf(
  sessions: readonly CalicoSession[],
  family: Family,
  program: ProgramName,
): readonly PeerRow[] {
  const own = sessions.filter((session) => session.family === family);
  if (program !== 'calicoctl') return own.map((session) => ({ ...session, address: addressOf(session) }));
  return own
    .filter(({ type, info }) => type !== 'local workload' && info !== '')
    .flatMap((session) => {
      const { peerAddress, peerPort, info } = session;
      const between = family === 4 ? '.' : ':';
      const port = peerPort === undefined ? '' : `${between}port${between}${peerPort}`;
      const [first = '', ...rest] = linesOf(info, CELL_WIDTH);
      const row = { ...session, address: peerAddress + port, info: first };
      const blank = { family, address: '', type: '', state: '', since: '' };
      return [row, ...rest.map((line) => ({ ...blank, info: line }))];
    });
}

function addressOf({ family, peerAddress, peerPort }: CalicoSession): string {
  if (peerPort === undefined) return peerAddress;
  return family === 4 ? `${peerAddress}:${peerPort}` : `[${peerAddress}]:${peerPort}`;
}
