/**
 * `rr add`: a reflector's entry, and on request the BGPPeers by which nodes reach it. On both etcds the entry is the flat
 * key that the original image reads; on Kubernetes and in files a resource RouteReflector.
 */
import type { Datastore, DatastoreType } from '../../datastore/datastore.ts';
import { type Family, familyOf, type IpAddress, parseAddress } from '../../model/address.ts';
import { type AsNumber, DEFAULT_AS_NUMBER, parseAsNumber } from '../../model/as-number.ts';
import { parseClusterId } from '../../model/cluster-id.ts';
import { CalicoRrError } from '../../model/errors.ts';
import {
  CALICO_API_VERSION,
  type JsonObject,
  keyOf,
  REFLECTOR_API_VERSION,
  type Resource,
} from '../../model/resource.ts';
import { nameOfAddress } from '../../model/upgrade/v1.ts';
import { validateResource } from '../../model/validate.ts';
import { findResource } from '../older/edit.ts';
import type { ProgramName } from '../program-name.ts';
import { failedToExecute } from '../resources/failure.ts';
import { type ChangeFlags, passGate } from '../resources/gate.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import type { Step } from '../resources/plan.ts';
import { addressesOf } from './addresses.ts';

export interface AddFlags extends DatastoreFlags, ChangeFlags {
  readonly name?: string;
  readonly clusterId?: string;
  readonly group?: string;
  readonly asNumber?: string;
  readonly label?: readonly string[];
  readonly peer?: readonly string[];
  readonly as?: readonly string[];
  readonly clients?: string;
  readonly client?: readonly string[];
}

/** @throws CommandFailure */
export async function runReflectorAdd(
  addresses: readonly string[],
  flags: AddFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const entry = entryOf(addresses, flags);
    const datastore = await openForVerb(flags, program);
    try {
      await demandNew(datastore, entry);
      const peers = await clientPeers(datastore, entry, flags);
      const all = [entry, ...peers];
      for (const resource of all) demandValid(resource, datastore.type);
      const steps = all.map((after): Step => {
        return { kind: after.kind, name: after.metadata.name, does: 'put', before: undefined, after };
      });
      if (!(await passGate(steps, datastore, { flags, program, done: 'created' }))) return;
      await datastore.create(entry);
      process.stdout.write(`Successfully created 1 'RouteReflector' resource(s)\n`);
      for (const peer of peers) await datastore.create(peer);
      if (peers.length > 0)
        process.stdout.write(`Successfully created ${peers.length} 'BGPPeer' resource(s)\n`);
      else
        process.stderr.write(
          'No node peers with it yet: add BGPPeers with its address as peerIP (or use --clients, --client).\n',
        );
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

/** The resource that the words describe. @throws E_USAGE */
function entryOf(texts: readonly string[], flags: AddFlags): Resource {
  const byFamily = new Map<Family, IpAddress>();
  for (const text of texts) {
    const address = parseAddress(text);
    if (address === undefined) throw usage(`"${text}" is no IP address.`, 'Give one for each family.');
    const family = familyOf(address);
    if (byFamily.has(family))
      throw usage(`there are two IPv${family} addresses.`, 'A reflector has one for each family.');
    byFamily.set(family, address);
  }
  const clusterID = flags.clusterId === undefined ? undefined : parseClusterId(flags.clusterId);
  if (flags.clusterId !== undefined && clusterID === undefined)
    throw usage(
      `"${flags.clusterId}" is no cluster ID.`,
      'It has the form of an IPv4 address and is not 0.0.0.0; the reflectors of a rack share one.',
    );
  const asNumber = flags.asNumber === undefined ? undefined : demandAs(flags.asNumber);
  const labels = labelsOf(flags.label ?? []);
  const peers = externalPeers(flags.peer ?? [], flags.as ?? []);
  const ipv4 = byFamily.get(4);
  const ipv6 = byFamily.get(6);
  return {
    apiVersion: REFLECTOR_API_VERSION,
    kind: 'RouteReflector',
    metadata: {
      name: flags.name ?? ipv4 ?? ipv6 ?? '',
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    },
    spec: {
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
      ...(clusterID === undefined ? {} : { clusterID }),
      ...(asNumber === undefined ? {} : { asNumber }),
      ...(flags.group === undefined ? {} : { group: flags.group }),
      ...(peers.length === 0 ? {} : { peers }),
    },
  };
}

function labelsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw usage(`"${text}" is no label.`, 'A label is KEY=VALUE.');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** Routers that are no Calico nodes: addresses and AS numbers in the order given, one number for all if there is one. */
function externalPeers(addresses: readonly string[], numbers: readonly string[]): readonly JsonObject[] {
  if (numbers.length !== addresses.length && numbers.length !== 1 && addresses.length > 0)
    throw usage(
      `there are ${addresses.length} --peer and ${numbers.length} --as.`,
      'Give each --peer ADDRESS its --as NUMBER.',
    );
  if (addresses.length === 0 && numbers.length > 0)
    throw usage('--as stands without a --peer.', 'The AS of the reflector itself is --as-number.');
  return addresses.map((text, index) => {
    if (parseAddress(text) === undefined) throw usage(`"${text}" is no IP address.`, 'Name it in --peer.');
    return { ip: text, asNumber: demandAs(numbers[index] ?? numbers[0] ?? '') };
  });
}

/** An address belongs to one reflector. @throws E_EXISTS */
async function demandNew(datastore: Datastore, entry: Resource): Promise<void> {
  const { resources } = await datastore.list('RouteReflector');
  const wanted = addressesOf(entry);
  const other = resources.find(
    ({ metadata, spec }) =>
      metadata.name === entry.metadata.name ||
      addressesOf({ spec }).some((address) => wanted.includes(address)),
  );
  if (other !== undefined)
    throw new CalicoRrError('E_EXISTS', `RouteReflector/${other.metadata.name} is there already.`, {
      hint: 'rr list shows all; change it with patch or replace.',
    });
}

/** The peers through which nodes know it: one for each of its addresses. */
async function clientPeers(
  datastore: Datastore,
  entry: Resource,
  flags: AddFlags,
): Promise<readonly Resource[]> {
  const nodes = flags.client ?? [];
  if (flags.clients === undefined && nodes.length === 0) return [];
  if (flags.clients !== undefined && nodes.length > 0)
    throw usage('--clients and --client exclude each other.', 'Select nodes, or name them.');
  const asNumber = parseAsNumber(entry.spec.asNumber) ?? (await defaultAs(datastore));
  const addresses = addressesOf(entry);
  const onKeys = datastore.type === 'etcdv2';
  if (onKeys && flags.clients !== undefined && flags.clients !== 'all')
    throw usage('etcd v2 has no place for a selector.', 'Use --clients all, or name nodes with --client.');
  return addresses.flatMap((address) => {
    const plain = onKeys ? address : nameOfAddress(address);
    const peer = (name: string, whose: JsonObject): Resource => ({
      apiVersion: CALICO_API_VERSION,
      kind: 'BGPPeer',
      metadata: { name },
      spec: { ...whose, peerIP: address, asNumber },
    });
    if (flags.clients === 'all') return [peer(`global.${plain}`, {})];
    if (flags.clients !== undefined) return [peer(`clients-of-${plain}`, { nodeSelector: flags.clients })];
    return nodes.map((node) => peer(`node.${node}.${plain}`, { node }));
  });
}

/** Everything is judged before anything is written. @throws E_INVALID_RESOURCE */
function demandValid(resource: Resource, type: DatastoreType): void {
  // On both etcds an entry without a name of its own is named by its address.
  const names = type === 'etcdv2' || resource.kind === 'RouteReflector' ? 'keys' : 'v3';
  const faults = validateResource(resource, { strict: true, names }).filter(
    ({ severity }) => severity === 'error',
  );
  if (faults.length === 0) return;
  const hint = faults.find((fault) => fault.hint !== undefined)?.hint;
  throw new CalicoRrError(
    'E_INVALID_RESOURCE',
    `${keyOf(resource)}: ${faults.map(({ message }) => message).join(' ')}`,
    hint === undefined ? {} : { hint },
  );
}

async function defaultAs(datastore: Datastore): Promise<AsNumber> {
  const configuration = await findResource(datastore, 'BGPConfiguration', 'default');
  return parseAsNumber(configuration?.spec.asNumber) ?? DEFAULT_AS_NUMBER;
}

function demandAs(text: string): AsNumber {
  const asNumber = parseAsNumber(text);
  if (asNumber === undefined)
    throw usage(`"${text}" is no AS number.`, 'It is 1 to 4294967295, or two parts with a dot.');
  return asNumber;
}

function usage(message: string, hint: string): CalicoRrError {
  return new CalicoRrError('E_USAGE', message, { hint });
}
