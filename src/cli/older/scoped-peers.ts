/**
 * Peers as calicoctl 1.x named them: not by a name, but by scope (`global` or `node`), node and address. With `--scope` or
 * `--node`, what stands where names do are addresses, on every datastore.
 */
import type { Datastore } from '../../datastore/datastore.ts';
import { parseAddress } from '../../model/address.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { isUnset } from '../../model/reading.ts';
import type { Kind, Resource } from '../../model/resource.ts';

export interface ScopeFlags {
  readonly scope?: string;
  readonly node?: string;
}

/**
 * Which peers the flags mean; undefined where there are none of these flags.
 * @throws E_USAGE where the flags say nothing, or the kind has no scope
 */
export function scopeOf(
  kind: Kind | undefined,
  { scope, node }: ScopeFlags,
): ((peer: Resource) => boolean) | undefined {
  if (scope === undefined && node === undefined) return undefined;
  if (kind !== 'BGPPeer')
    throw new CalicoRrError('E_USAGE', '--scope and --node are for peers of BGP.', {
      hint: 'Such as: get bgppeers --scope=node --node=n1.',
    });
  if (scope !== undefined && scope !== 'global' && scope !== 'node')
    throw new CalicoRrError('E_USAGE', `there is no scope "${scope}"`, { hint: 'It is global or node.' });
  if (scope === 'global' && node !== undefined)
    throw new CalicoRrError('E_USAGE', '--node should not be specified', {
      hint: 'Peers of scope global are those of all nodes.',
    });
  return ({ spec }) => {
    if (scope === 'global') return isUnset(spec.node) && isUnset(spec.nodeSelector);
    return node === undefined ? !isUnset(spec.node) : spec.node === node;
  };
}

/**
 * The names of the peers with these addresses; an address that no peer has stands for itself.
 * @throws E_USAGE where one address is that of several peers
 */
export async function namesOfPeers(
  addresses: readonly string[],
  inScope: (peer: Resource) => boolean,
  datastore: Datastore,
): Promise<readonly string[]> {
  const { resources } = await datastore.list('BGPPeer');
  const peers = resources.filter(inScope);
  return addresses.map((address) => {
    const wanted = parseAddress(address);
    const found = peers.filter(
      ({ spec }) =>
        wanted !== undefined && typeof spec.peerIP === 'string' && parseAddress(spec.peerIP) === wanted,
    );
    const [peer, ...more] = found.map(({ metadata }) => metadata.name);
    if (more.length > 0)
      throw new CalicoRrError('E_USAGE', `${found.length} peers have the address ${address}`, {
        hint: `Say which node's with --node, or name one: ${[peer, ...more].join(', ')}.`,
      });
    return peer ?? address;
  });
}
