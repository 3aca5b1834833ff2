/**
 * `rr drain NAME`: drains one reflector of the cluster, wherever it runs: by its control socket where that is on this
 * machine, else at the address that it reports in the datastore, or at `--address`. Whoever answers must be that reflector.
 */
import { parseAddress } from '../../model/address.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { askControl, type ControlTarget } from '../../server/control-client.ts';
import type { ControlFlags } from '../control-options.ts';
import { remoteTarget } from '../control-target.ts';
import type { ProgramName } from '../program-name.ts';
import { failedToExecute } from '../resources/failure.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { type DrainFlags, drainAt, readDrainOrder } from '../run-drain.ts';
import { addressesOf } from './addresses.ts';
import { agentOf, listReports, namesOf, reportOf } from './agent-of.ts';

export interface RrDrainFlags
  extends DatastoreFlags,
    DrainFlags,
    Pick<ControlFlags, 'address' | 'tokenFile' | 'caFile'> {}

/** @throws CommandFailure, with E_DRAIN_UNSAFE among its causes where clients would be cut off */
export async function runReflectorDrain(
  name: string,
  flags: RrDrainFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const order = readDrainOrder(flags);
    const target = await placeOf(name, flags, program);
    await demandSame(target, name);
    await drainAt(target, order);
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

async function placeOf(name: string, flags: RrDrainFlags, program: ProgramName): Promise<ControlTarget> {
  if (flags.address !== undefined) return remoteTarget(process.env, flags.address, flags);
  const here = agentOf([name], undefined, flags);
  if (here !== undefined) return here;
  const datastore = await openForVerb(flags, program);
  try {
    const { resources } = await datastore.list('RouteReflector');
    const address = parseAddress(name);
    const entry = resources.find(
      (one) => one.metadata.name === name || (address !== undefined && addressesOf(one).includes(address)),
    );
    const names = entry === undefined ? [name] : [name, ...namesOf(entry)];
    const report = reportOf(await listReports(datastore), names)?.report;
    const target = agentOf(names, report, flags);
    if (target !== undefined) return target;
    if (entry === undefined && report === undefined)
      throw new CalicoRrError('E_NOT_FOUND', `there is no reflector ${name}`, {
        hint: 'calico-rr rr list shows all.',
      });
    throw new CalicoRrError(
      'E_AGENT_UNREACHABLE',
      `${name} cannot be asked from here: it does not run here, and says no address in the datastore`,
      {
        hint: 'Start it with --control, name where it answers with --address, or run calico-rr drain on its host.',
      },
    );
  } finally {
    await datastore.close();
  }
}

/** @throws E_CONFLICT where another reflector answers: an address may have gone to another. */
async function demandSame(at: ControlTarget, name: string): Promise<void> {
  const status = await askControl({ at, method: 'GET', path: '/status' });
  const speaker = isRecord(status) && isRecord(status.speaker) ? status.speaker : {};
  const instance = isRecord(status) ? status.instance : undefined;
  const own = [speaker.name, speaker.ipv4, speaker.ipv6, instance];
  if (own.includes(name) || own.includes(parseAddress(name))) return;
  const who = typeof speaker.name === 'string' ? speaker.name : String(instance);
  throw new CalicoRrError('E_CONFLICT', `${who} answers there, not ${name}`, {
    hint: 'Nothing was done. Check the name and the address.',
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
