/** `node show` of calicoctl 0.x: every node with its addresses, its AS number and the peers that are its own. */
import { familyOf, parseAddress } from '../../model/address.ts';
import { DEFAULT_AS_NUMBER, parseAsNumber } from '../../model/as-number.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, Resource } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { failedToExecute } from '../resources/failure.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { borderedTable } from '../table.ts';
import { findResource } from './edit.ts';

const HEAD = ['Hostname', 'Bird IPv4', 'Bird IPv6', 'AS Num', 'BGP Peers v4', 'BGP Peers v6'];

/** @throws CommandFailure */
export async function runNodeShow(flags: DatastoreFlags, program: ProgramName): Promise<void> {
  try {
    const datastore = await openForVerb(flags, program);
    try {
      const nodes = await datastore.list('Node');
      const peers = await datastore.list('BGPPeer');
      const configuration = await findResource(datastore, 'BGPConfiguration', 'default');
      const inherited = parseAsNumber(configuration?.spec.asNumber) ?? DEFAULT_AS_NUMBER;
      const rows = nodes.resources.map((node) => rowOf(node, peers.resources, inherited));
      process.stdout.write(`${borderedTable(HEAD, rows)}\n`);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

function rowOf(node: Resource, peers: readonly Resource[], inherited: number): readonly string[] {
  const bgp = isJsonObject(node.spec.bgp) ? node.spec.bgp : {};
  const own = parseAsNumber(bgp.asNumber);
  const addresses = peers.flatMap(({ spec }) =>
    spec.node === node.metadata.name && typeof spec.peerIP === 'string' ? [spec.peerIP] : [],
  );
  const ofFamily = (family: 4 | 6): string =>
    addresses
      .filter((text) => {
        const address = parseAddress(text);
        return address !== undefined && familyOf(address) === family;
      })
      .join(', ');
  return [
    node.metadata.name,
    bare(bgp.ipv4Address),
    bare(bgp.ipv6Address),
    own === undefined ? `${inherited} (inherited)` : String(own),
    ofFamily(4),
    ofFamily(6),
  ];
}

/** An address without its length. */
function bare(address: Json | undefined): string {
  return typeof address === 'string' ? address.replace(/\/\d+$/, '') : '';
}
