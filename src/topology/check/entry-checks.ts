/** Entries that nothing uses any more, and speakers with more passwords than their kernel takes. */
import type { Problem } from '../../model/problem.ts';
import type { ClusterSpeaker } from '../cluster/sessions-of-all.ts';
import type { CheckInput } from './check-cluster.ts';

/** `net.core.optmem_max` of Linux before 6.8, bytes. */
export const DEFAULT_OPTMEM_MAX = 20_480;
/** What the kernel charges a listening socket for each TCP-MD5 key (`struct tcp_md5sig_key` on 64 bits), bytes. */
const BYTES_OF_A_KEY = 136;

export function checkEntries(input: CheckInput, optmemMax: number): readonly Problem[] {
  return [
    ...staleReflectors(input),
    ...stalePeers(input),
    ...withoutAs(input),
    ...tooManyPasswords(input, optmemMax),
  ];
}

/** A RouteReflector that reflects for nobody: its machine is gone, or its BGPPeers were forgotten. */
function staleReflectors({ inventory, sessions }: CheckInput): readonly Problem[] {
  return [...inventory.reflectors.values()].flatMap(({ name }) => {
    const speaker = sessions.speakers().get(name);
    const used = [...(speaker?.sessions.values() ?? [])].some(({ kind }) => kind !== 'reflector');
    if (speaker === undefined || used) return [];
    return [
      {
        code: 'stale-entry' as const,
        severity: 'warning' as const,
        subject: `RouteReflector/${name}`,
        message: 'It has no clients and no other peers: no BGPPeer names its address.',
        hint: 'Add a BGPPeer with its address as peerIP, or delete the entry if the reflector is gone.',
      },
    ];
  });
}

/** In the nodes' own AS and at nobody's address, where other reflectors are known: a reflector that is gone, mostly. */
function stalePeers({ inventory, sessions }: CheckInput): readonly Problem[] {
  if (inventory.reflectors.size + inventory.reflectorNodes.size === 0) return [];
  const found = new Map<string, { speaker: ClusterSpeaker; address: string; count: number }>();
  for (const speaker of sessions.speakers().values()) {
    for (const [address, session] of speaker.sessions) {
      if (session.localAs !== session.peerAs || session.kind === 'external') continue;
      if (inventory.nodesAt(address).length + inventory.reflectorsAt(address).length > 0) continue;
      const known = found.get(session.because);
      if (known === undefined) found.set(session.because, { speaker, address, count: 1 });
      else {
        known.count++;
        if (known.speaker === speaker && address < known.address) known.address = address;
      }
    }
  }
  return [...found].map(([subject, { speaker, address, count }]) => ({
    code: 'stale-entry',
    severity: 'warning',
    subject,
    message: `It peers ${speaker.name}${count === 1 ? '' : ` and ${count - 1} more`} with ${address} in their own AS, where neither a Node nor a RouteReflector stands.`,
    hint: 'Delete it if that reflector is gone; if it is a reflector or router of its own, nothing is wrong.',
  }));
}

/** Here such a peer has the AS of all; what Calico's own nodes make of it keeps their BIRD from every change. */
function withoutAs({ inventory }: CheckInput): readonly Problem[] {
  return [...inventory.bgpPeers.values()].flatMap(({ name, local, remote, asNumber }) => {
    if (remote.type !== 'address' || asNumber !== null) return [];
    if (local.scope === 'selected' && inventory.selections.foundBy(local.selector).size === 0) return [];
    return [
      {
        code: 'bad-as-number' as const,
        severity: 'warning' as const,
        subject: `BGPPeer/${name}`,
        field: 'spec.asNumber',
        message: `It states no AS number of ${remote.address}. Calico's own agent takes that for AS 0, and BIRD refuses a file with that as a whole.`,
        hint: `Set spec.asNumber; for a speaker of the nodes' own AS mostly ${inventory.globalAs}.`,
      },
    ];
  });
}

function tooManyPasswords({ sessions, view }: CheckInput, optmemMax: number): readonly Problem[] {
  const most = Math.floor((optmemMax - 1) / BYTES_OF_A_KEY);
  const problems: Problem[] = [];
  for (const { name, frame, sessions: own } of sessions.speakers().values()) {
    let count = [...own.values()].filter(({ password }) => password).length;
    for (const { mesh } of view.families) {
      if (mesh.hasPassword && mesh.members.has(name)) count += mesh.members.size - 1;
    }
    if (count <= most) continue;
    problems.push({
      code: 'too-many-passwords',
      severity: 'warning',
      subject: `${frame.node === undefined ? 'RouteReflector' : 'Node'}/${name}`,
      message: `It has ${count.toLocaleString('en')} sessions with a password; a kernel with net.core.optmem_max=${optmemMax} takes ${most}, and the others never come up.`,
      hint: `Set net.core.optmem_max there to ${(count + 1) * BYTES_OF_A_KEY} or more, and check with --optmem-max what it is.`,
    });
  }
  return problems;
}
