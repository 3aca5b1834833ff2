/**
 * Waiting, with a bound, until this reflector may go: see drain-check.ts for what "may" means. The word of the
 * other reflectors is read from the status objects that they write into the datastore.
 */
import type { Logger } from 'pino';
import type { Datastore } from '../datastore/datastore.ts';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import type { DesiredState } from './desired-state.ts';
import { describeStranded, strandedClients } from './drain-check.ts';
import type { Observer } from './observer.ts';
import { type ReadReport, readReport } from './status-object.ts';

const LOOK_MS = 1000;

export interface DrainOptions {
  readonly timeoutMs: number;
  /** Go even where clients are left without another reflector. */
  readonly force: boolean;
  /** Told to the peers (RFC 9003). */
  readonly message: string;
}

export interface DrainWatchOptions {
  readonly config: () => SpeakerConfig | null;
  readonly desired: DesiredState;
  readonly observer: Observer;
  /** Null while it is not reachable. */
  readonly datastore: () => Datastore | null;
  readonly log: Logger;
}

/** @throws E_DRAIN_UNSAFE where clients would be cut off when the time is over, unless forced */
export async function untilSafe(
  watched: DrainWatchOptions,
  request: DrainOptions,
  progress: (text: string) => void,
): Promise<void> {
  const deadline = performance.now() + request.timeoutMs;
  let told = '';
  for (;;) {
    const obstacle = await obstacleTo(watched);
    if (obstacle === null) return;
    if (performance.now() >= deadline) {
      if (!request.force) {
        throw new CalicoRrError('E_DRAIN_UNSAFE', `clients would be cut off: ${obstacle}`, {
          hint: 'Give them another reflector first, or cut them off knowingly with --force.',
        });
      }
      watched.log.warn({ clients: obstacle }, 'drain forced: clients are cut off');
      return;
    }
    if (obstacle !== told) progress(`waiting: ${obstacle}`);
    told = obstacle;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What stands against going now, or null. */
async function obstacleTo({
  config,
  desired,
  observer,
  datastore,
}: DrainWatchOptions): Promise<string | null> {
  await observer.refresh();
  const sessions = config()?.sessions ?? [];
  const clients = sessions.filter((one) => one.client && observer.established(one.name));
  if (clients.length === 0) return null;
  const home = datastore();
  if (home === null) return 'the datastore, which knows how the other reflectors are, is not reachable';
  const reports: { name: string; report: ReadReport }[] = [];
  try {
    for (const resource of (await home.list('RouteReflectorStatus')).resources) {
      const report = readReport(resource);
      if (report !== undefined) reports.push({ name: resource.metadata.name, report });
    }
  } catch (error) {
    return `the datastore does not say how the other reflectors are (${messageOf(error)})`;
  }
  const stranded = strandedClients({
    self: desired.ownNames(),
    clients,
    topology: desired.topology,
    away: awayReflectors(sessions, observer),
    reports,
    now: Date.now(),
  });
  return stranded.length === 0 ? null : describeStranded(stranded);
}

function awayReflectors(sessions: readonly SessionConfig[], observer: Observer): ReadonlySet<string> {
  const fellows = sessions.filter((session) => session.kind === 'reflector');
  const here = new Set(fellows.filter((one) => observer.established(one.name)).map((one) => one.peerName));
  return new Set(
    fellows.flatMap(({ peerName }) => (peerName === null || here.has(peerName) ? [] : [peerName])),
  );
}
