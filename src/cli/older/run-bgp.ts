/**
 * `bgp node-mesh`, `bgp default-node-as`, `bgp peer` and `node bgp peer` of calicoctl 0.x (its Python days), on every
 * datastore. Setting prints nothing; what is wrong is said in its words, with status 1.
 */
import { hostname } from 'node:os';
import type { Datastore } from '../../datastore/datastore.ts';
import { readResource } from '../../datastore/resource-json.ts';
import { type Family, familyOf, type IpAddress, parseAddress } from '../../model/address.ts';
import { type AsNumber, DEFAULT_AS_NUMBER, parseAsNumber } from '../../model/as-number.ts';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { Resource } from '../../model/resource.ts';
import { upgradeV1 } from '../../model/upgrade/v1.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, hintsOf, withHints } from '../resources/failure.ts';
import { type ChangeFlags, passGate } from '../resources/gate.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { borderedTable } from '../table.ts';
import { findResource, setFields } from './edit.ts';

/** Whose peers: everybody's, or one node's. */
export type PeerScope = { readonly of: 'all' } | { readonly of: 'node'; readonly node?: string };

/** Of the verbs that change something. */
export type ChangingFlags = DatastoreFlags & ChangeFlags;

const CONFIGURATION = { kind: 'BGPConfiguration', name: 'default' } as const;

export interface ShowFlags extends DatastoreFlags {
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

/** @throws CommandFailure */
export async function runNodeMesh(
  wanted: string | undefined,
  flags: ChangingFlags,
  program: ProgramName,
): Promise<void> {
  if (wanted !== undefined && wanted !== 'on' && wanted !== 'off')
    throw new CommandFailure(`Invalid value "${wanted}": say on or off.`);
  await withDatastore(flags, program, async (datastore) => {
    if (wanted === undefined) {
      const stored = await findResource(datastore, 'BGPConfiguration', 'default');
      process.stdout.write(stored?.spec.nodeToNodeMeshEnabled === false ? 'off\n' : 'on\n');
    } else {
      const fields = { nodeToNodeMeshEnabled: wanted === 'on' };
      await setFields(datastore, CONFIGURATION, fields, { flags, program, done: 'changed' });
    }
  });
}

/** @throws CommandFailure */
export async function runDefaultNodeAs(
  wanted: string | undefined,
  flags: ChangingFlags,
  program: ProgramName,
): Promise<void> {
  const asNumber = wanted === undefined ? undefined : demandAs(wanted);
  await withDatastore(flags, program, async (datastore) => {
    if (asNumber === undefined) {
      const stored = await findResource(datastore, 'BGPConfiguration', 'default');
      // What is in force; calicoctl 0.x said 64511 where nothing was set, and nothing has used that since.
      process.stdout.write(`${parseAsNumber(stored?.spec.asNumber) ?? DEFAULT_AS_NUMBER}\n`);
    } else await setFields(datastore, CONFIGURATION, { asNumber }, { flags, program, done: 'changed' });
  });
}

/** @throws CommandFailure */
export async function runPeerAdd(
  scope: PeerScope,
  words: { readonly address: string; readonly as: string; readonly number: string },
  flags: ChangingFlags,
  program: ProgramName,
): Promise<void> {
  const address = demandAddress(words.address);
  if (words.as !== 'as')
    throw new CommandFailure(
      `Expected "${words.address} as AS_NUMBER", and "${words.as}" stands in its place.`,
    );
  const asNumber = demandAs(words.number);
  await withDatastore(flags, program, async (datastore) => {
    const same = (await peersOf(datastore, scope)).filter((peer) => addressOf(peer) === address);
    const [stored] = same;
    // A key of etcd v2 was written over; so is the number of a peer that is there.
    const asking = { flags, program, done: 'changed' } as const;
    if (stored !== undefined) {
      const { kind, metadata } = stored;
      return setFields(datastore, { kind, name: metadata.name }, { asNumber }, asking);
    }
    const after = newPeer(datastore, scope, address, asNumber);
    const step = {
      kind: after.kind,
      name: after.metadata.name,
      does: 'put',
      before: undefined,
      after,
    } as const;
    if (await passGate([step], datastore, asking)) await datastore.create(after);
  });
}

/** @throws CommandFailure */
export async function runPeerRemove(
  scope: PeerScope,
  text: string,
  flags: ChangingFlags,
  program: ProgramName,
): Promise<void> {
  const address = demandAddress(text);
  await withDatastore(flags, program, async (datastore) => {
    const found = (await peersOf(datastore, scope)).filter((peer) => addressOf(peer) === address);
    if (found.length === 0)
      throw new CommandFailure(
        scope.of === 'all'
          ? `${address} is not a globally configured peer.`
          : `${address} is not a configured peer for this node.`,
      );
    const steps = found.map(({ kind, metadata }) => ({ kind, name: metadata.name, does: 'delete' }) as const);
    if (!(await passGate(steps, datastore, { flags, program, done: 'changed' }))) return;
    for (const { kind, name } of steps) await datastore.delete(kind, name);
    process.stdout.write(
      scope.of === 'all'
        ? 'BGP peer removed from global configuration\n'
        : 'BGP peer removed from node configuration\n',
    );
  });
}

/** @throws CommandFailure */
export async function runPeerShow(scope: PeerScope, flags: ShowFlags, program: ProgramName): Promise<void> {
  const both = flags.ipv4 === flags.ipv6;
  const families = ([4, 6] as const).filter((family) => both || (family === 4 ? flags.ipv4 : flags.ipv6));
  await withDatastore(flags, program, async (datastore) => {
    const peers = await peersOf(datastore, scope);
    process.stdout.write(families.map((family) => tableOf(peers, scope, family)).join(''));
  });
}

function tableOf(peers: readonly Resource[], scope: PeerScope, family: Family): string {
  const whose = scope.of === 'all' ? 'Global' : 'Node specific';
  const rows = peers.flatMap((peer) => {
    const address = addressOf(peer);
    return address !== undefined && familyOf(address) === family
      ? [[address, String(parseAsNumber(peer.spec.asNumber) ?? '')]]
      : [];
  });
  if (rows.length === 0)
    return scope.of === 'all'
      ? `No global IPv${family} BGP Peers defined.\n`
      : `No IPv${family} BGP Peers defined for this node.\n`;
  return `${borderedTable([`${whose} IPv${family} BGP Peer`, 'AS Num'], rows)}\n`;
}

/** Peers of that scope that have an address and no selector, as those of that era had. */
async function peersOf(datastore: Datastore, scope: PeerScope): Promise<readonly Resource[]> {
  const { resources } = await datastore.list('BGPPeer');
  return resources.filter(({ spec }) => {
    const { node, nodeSelector } = spec;
    if (typeof nodeSelector === 'string' && nodeSelector !== '') return false;
    const owner = typeof node === 'string' && node !== '' ? node : undefined;
    return owner === (scope.of === 'all' ? undefined : nodeOf(scope));
  });
}

function addressOf({ spec }: Resource): IpAddress | undefined {
  return typeof spec.peerIP === 'string' ? parseAddress(spec.peerIP) : undefined;
}

/** "This node", as calicoctl 0.x found it. */
function nodeOf(scope: { readonly node?: string }): string {
  return scope.node ?? (process.env.HOSTNAME || hostname());
}

/** Named as a document of Calico v2 would be, so that both ways of adding a peer mean the same one. */
function newPeer(datastore: Datastore, scope: PeerScope, address: IpAddress, asNumber: AsNumber): Resource {
  const metadata =
    scope.of === 'all'
      ? { scope: 'global', peerIP: address }
      : { scope: 'node', node: nodeOf(scope), peerIP: address };
  const upgraded = upgradeV1(
    { apiVersion: 'v1', kind: 'bgpPeer', metadata, spec: { asNumber } },
    { names: datastore.type === 'etcdv2' ? 'keys' : 'v3' },
  );
  if (upgraded.is === 'resource') {
    const read = readResource(upgraded.kind, upgraded.name, upgraded.document, undefined);
    if (read.ok && upgraded.problems.length === 0) return read.resource;
  }
  const why = upgraded.problems.map(({ message }) => message).join(' ');
  throw new CalicoRrError('E_INVALID_RESOURCE', `no peer can be made of it: ${why}`);
}

function demandAddress(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new CommandFailure('Invalid IP address specified.');
  return address;
}

function demandAs(text: string): AsNumber {
  const asNumber = parseAsNumber(text);
  if (asNumber === undefined) throw new CommandFailure('Invalid AS Number specified.');
  return asNumber;
}

async function withDatastore(
  flags: DatastoreFlags,
  program: ProgramName,
  act: (datastore: Datastore) => Promise<void>,
): Promise<void> {
  try {
    const datastore = await openForVerb(flags, program);
    try {
      await act(datastore);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const exitCode = error instanceof CalicoRrError && program !== 'calicoctl' ? error.exitCode : 1;
    throw new CommandFailure(withHints(messageOf(error), hintsOf([error], program)), exitCode, error);
  }
}
