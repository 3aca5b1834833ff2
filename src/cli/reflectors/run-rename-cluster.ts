/**
 * `rr rename-cluster OLD NEW`: gives the reflectors of a cluster ID another one, one after the other. A reflector closes its
 * sessions with clients when its cluster ID changes, so each waits until its clients have another reflector, and the next
 * waits until this one has its clients back. Its guard holds such a change: it is approved for the agents that can be asked.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeStranded, strandedClients } from '../../agent/drain-check.ts';
import type { AgentStatus } from '../../agent/status.ts';
import type { Datastore } from '../../datastore/datastore.ts';
import type { Change, Listing } from '../../model/change.ts';
import { parseClusterId } from '../../model/cluster-id.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { askControl, type ControlTarget } from '../../server/control-client.ts';
import { createTopology } from '../../topology/topology.ts';
import { judgeChange } from '../../topology/what-if/judge-change.ts';
import { lossLines } from '../../topology/what-if/judgement-text.ts';
import { listCluster } from '../cluster-listing.ts';
import type { ControlFlags } from '../control-options.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, failedToExecute } from '../resources/failure.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { readWhole } from '../run-settings.ts';
import { agentOf, listReports, reportOf } from './agent-of.ts';
import { clusterIdsOf, type RenameStep, renamed, renameSteps } from './rename-steps.ts';

export interface RenameFlags extends DatastoreFlags, Pick<ControlFlags, 'tokenFile' | 'caFile'> {
  readonly timeout?: string;
  readonly pause?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

const LOOK_MS = 1000;

/** @throws CommandFailure */
export async function runRenameCluster(
  oldText: string,
  newText: string,
  flags: RenameFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const [from, to] = [demandClusterId(oldText), demandClusterId(newText)];
    if (from === to) throw usage(`both are ${from}`, 'Give the cluster ID to be, too.');
    const timeoutMs = readWhole('--timeout', flags.timeout, 300, [1, 86_400]) * 1000;
    const pauseMs =
      flags.pause === undefined ? null : readWhole('--pause', flags.pause, 0, [0, 86_400]) * 1000;
    const datastore = await openForVerb(flags, program);
    try {
      const listing = await listCluster(datastore);
      const reports = await listReports(datastore);
      const steps = renameSteps(listing.resources, reports, from);
      if (steps.length === 0) throw nobody(from, listing);
      demandHarmless(listing, steps, to, flags.force === true);
      const agents = new Map(
        steps.map((step) => [step, agentOf(step.names, reportOf(reports, step.names)?.report, flags)]),
      );
      const mute = steps.filter((step) => agents.get(step) === undefined);
      if (mute.length > 0 && pauseMs === null && flags.dryRun !== true) throw cannotBeAsked(mute);
      for (const { before } of steps)
        for (const { kind, metadata } of before)
          process.stdout.write(`${kind}/${metadata.name} goes from ${from} to ${to}\n`);
      if (flags.dryRun === true) {
        process.stdout.write('Nothing was changed: this was a dry run.\n');
        return;
      }
      for (const step of steps)
        await rename(datastore, step, { to, timeoutMs, pauseMs: pauseMs ?? 0, at: agents.get(step) });
      process.stdout.write(`Successfully renamed the cluster of ${steps.length} reflector(s)\n`);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

/** With the first of them renamed, with two, and so on, everybody must still learn what everybody learns now. */
function demandHarmless(listing: Listing, steps: readonly RenameStep[], to: string, force: boolean): void {
  const changes: Change[] = [];
  for (const { name, before } of steps) {
    changes.push(...before.map((resource): Change => ({ op: 'put', resource: renamed(resource, to) })));
    const judgement = judgeChange(listing, changes);
    if (!judgement.loses) continue;
    for (const line of lossLines(judgement)) process.stderr.write(`${line}\n`);
    if (force) return;
    throw new CommandFailure(
      `Nothing was changed: with ${name} renamed, nodes would lose what is said above.\n  Reflectors with one cluster ID pass nothing on to each other: each client needs a session with all of them. --force renames all the same.`,
      3,
    );
  }
}

interface Renaming {
  readonly to: string;
  readonly timeoutMs: number;
  /** How long to wait for a reflector that cannot be asked. */
  readonly pauseMs: number;
  readonly at: ControlTarget | undefined;
}

async function rename(
  datastore: Datastore,
  step: RenameStep,
  { to, timeoutMs, pauseMs, at }: Renaming,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const status = at === undefined ? undefined : await statusAt(at);
  if (status !== undefined) await untilClientsHaveAnother(datastore, step, status, deadline);
  for (const resource of step.before) await write(datastore, resource, to);
  if (at === undefined || status === undefined) {
    process.stdout.write(`${step.name} is written, and ${pauseMs / 1000} s pass\n`);
    await delay(pauseMs);
    return;
  }
  await untilServingAgain(at, step.name, status, to, deadline);
  process.stdout.write(`${step.name} runs with ${to}, and its clients are back\n`);
}

/** @throws E_DRAIN_UNSAFE where a client would be without a reflector meanwhile */
async function untilClientsHaveAnother(
  datastore: Datastore,
  { name }: RenameStep,
  status: AgentStatus,
  deadline: number,
): Promise<void> {
  let told = '';
  for (;;) {
    const topology = createTopology();
    topology.load(await listCluster(datastore));
    const identity =
      topology.resolve(name) ?? topology.resolve(status.speaker?.ipv4 ?? status.speaker?.ipv6 ?? '');
    const up = new Set(clientsUp(status));
    const clients =
      identity === undefined
        ? []
        : topology
            .speaker(identity)
            .config()
            .sessions.filter((session) => up.has(session.peerAddress));
    const self = new Set([name, status.speaker?.name ?? name]);
    const reports = await listReports(datastore);
    const stranded = strandedClients({ self, clients, topology, away: new Set(), reports, now: Date.now() });
    if (stranded.length === 0) return;
    const obstacle = describeStranded(stranded);
    if (performance.now() >= deadline)
      throw new CalicoRrError(
        'E_DRAIN_UNSAFE',
        `clients of ${name} would be cut off meanwhile: ${obstacle}`,
        {
          hint: `${name} keeps its cluster ID. Mend what is said, and repeat the command to go on.`,
        },
      );
    if (obstacle !== told) process.stderr.write(`${name} waits: ${obstacle}\n`);
    told = obstacle;
    await delay(LOOK_MS);
  }
}

/** Approves what its guard holds of this, and waits for the clients that it had. */
async function untilServingAgain(
  at: ControlTarget,
  name: string,
  before: AgentStatus,
  to: string,
  deadline: number,
): Promise<void> {
  const heldBefore = new Set(before.held.map(({ id }) => id));
  const had = clientsUp(before);
  for (;;) {
    const now = await statusAt(at);
    const up = new Set(clientsUp(now));
    const missing = had.filter((address) => !up.has(address));
    if (
      now.speaker?.clusterId === to &&
      now.held.every(({ id }) => heldBefore.has(id)) &&
      missing.length === 0
    )
      return;
    for (const hold of now.held) {
      // Only what a new cluster ID does: sessions that close and open again.
      const ours = !heldBefore.has(hold.id) && hold.sessions.every(({ effect }) => effect === 'restarted');
      if (!ours) continue;
      await askControl({ at, method: 'POST', path: '/approve', body: { id: hold.id } });
      process.stdout.write(`${name}: approved ${hold.id}, ${counted(hold.sessions.length)}\n`);
    }
    if (performance.now() >= deadline)
      throw new CalicoRrError(
        'E_DRAIN_UNSAFE',
        now.speaker?.clusterId === to
          ? `${name} runs with ${to}, and ${missing.length} of its clients are not back: ${missing.slice(0, 5).join(', ')}`
          : `${name} does not run with ${to} yet`,
        {
          hint: 'The reflectors after it keep their cluster ID. Look at its status, and repeat the command to go on.',
        },
      );
    await delay(LOOK_MS);
  }
}

function counted(sessions: number): string {
  return sessions === 1 ? '1 session restarts' : `${sessions} sessions restart`;
}

/** Addresses of the clients with which a session is established. */
function clientsUp({ sessions }: AgentStatus): readonly string[] {
  return sessions
    .filter(({ client, state }) => client && state === 'Established')
    .map(({ peerAddress }) => peerAddress);
}

async function statusAt(at: ControlTarget): Promise<AgentStatus> {
  const status = await askControl({ at, method: 'GET', path: '/status' });
  if (isStatus(status)) return status;
  throw new CalicoRrError('E_AGENT_REFUSED', 'what answers there is no agent of ours', {
    hint: 'Check the address that it reports (calico-rr get rrstatus -o yaml).',
  });
}

function isStatus(value: unknown): value is AgentStatus {
  return typeof value === 'object' && value !== null && 'sessions' in value && 'held' in value;
}

/** On what is stored now: others may have written since. */
async function write(datastore: Datastore, { kind, metadata }: RenameStep['before'][number], to: string) {
  await datastore.update(renamed(await datastore.get(kind, metadata.name), to));
}

function cannotBeAsked(steps: readonly RenameStep[]): CalicoRrError {
  const names = steps.map(({ name }) => name).join(', ');
  return new CalicoRrError(
    'E_AGENT_UNREACHABLE',
    `Nothing was changed: ${names} cannot be asked whether clients are back`,
    {
      hint: 'Start each with --control, or give --pause SECONDS: what is to pass after one that cannot be asked.',
    },
  );
}

function demandClusterId(text: string): string {
  const id = parseClusterId(text);
  if (id === undefined) throw usage(`"${text}" is no cluster ID`, 'It has the form of an IPv4 address.');
  return id;
}

function nobody(clusterId: string, { resources }: Listing): CalicoRrError {
  const known = clusterIdsOf(resources);
  return new CalicoRrError('E_NOT_FOUND', `no reflector has the cluster ID ${clusterId}`, {
    hint: known.length === 0 ? 'There is no reflector with any.' : `There are ${known.join(', ')}.`,
  });
}

function usage(message: string, hint: string): CalicoRrError {
  return new CalicoRrError('E_USAGE', message, { hint });
}
