/**
 * The admission webhook's own part: follows the datastore as an agent does, and answers for each change that the API
 * server is about to store whether it may be. It changes nothing, and where it knows nothing it lets everything pass: a
 * cluster must not stand still because this does.
 */
import { setImmediate as yielded } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createDatastoreSource, type OpenDatastore } from '../agent/datastore-source.ts';
import { JUDGED_KINDS } from '../datastore/kubernetes/admitted-object.ts';
import { keyOfChange } from '../model/change.ts';
import { messageOf } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { JsonObject } from '../model/resource.ts';
import { createTopology, type TopologyOptions } from '../topology/topology.ts';
import { type Decision, decide } from './decide.ts';
import { createPendingChanges } from './pending-changes.ts';
import { requestedChange } from './requested-change.ts';
import { type AdmissionAnswer, type AdmissionRequest, parseReview, reviewOf } from './review.ts';

export interface AdmissionOptions extends TopologyOptions {
  readonly openDatastore: OpenDatastore;
  /** Reflectors that every node should have. */
  readonly minReflectors: number;
  readonly log: Logger;
}

export interface Reviewed {
  /** HTTP status. */
  readonly code: 200 | 400;
  readonly body: JsonObject;
}

export interface Admission {
  /** Follows the datastore until `stop`. Rejects for what no waiting mends. */
  run(): Promise<void>;
  /** @param stillAsked false: whoever asked has given up, and nothing need be worked out */
  review(text: string, stillAsked: () => boolean): Promise<Reviewed>;
  readiness(): { readonly ready: boolean; readonly reason: string };
  stop(): Promise<void>;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { log, minReflectors } = options;
  const topology = createTopology(options);
  const pending = createPendingChanges(() => performance.now());
  let known = false;
  /** Why some of the cluster cannot be seen, by subject. What is judged without it would be judged wrongly. */
  const unseen = new Map<string, Problem>();
  let away: string | null = 'connecting';
  const source = createDatastoreSource(
    options.openDatastore,
    {
      snapshot(listing) {
        topology.load(listing);
        pending.clear();
        unseen.clear();
        note(listing.warnings);
        // The first judgement costs a compile of all speakers; nobody should have to wait for it.
        const begin = performance.now();
        topology.judge([], { minReflectors });
        known = true;
        const ms = Math.round(performance.now() - begin);
        if (unseen.size === 0)
          log.info({ resources: listing.resources.length, ms }, 'ready to judge changes');
      },
      changes(changes, warnings, settled) {
        const mended = settled.filter((subject) => unseen.delete(subject)).length;
        note(warnings);
        topology.apply(changes);
        if (mended > 0 && unseen.size === 0) log.info('ready to judge changes');
        for (const change of changes) pending.settle(keyOfChange(change));
      },
      connection(connected, reason) {
        if (connected === (away === null)) return;
        away = connected ? null : (reason ?? 'it does not answer');
        if (connected) log.info('datastore connected');
        else log.warn({ reason }, 'datastore not reachable; changes are judged by what was known before');
      },
    },
    JUDGED_KINDS,
  );

  function note(warnings: readonly Problem[]): void {
    for (const problem of warnings) {
      if (problem.code !== 'no-permission' || unseen.has(problem.subject)) continue;
      unseen.set(problem.subject, problem);
      log.error({ hint: problem.hint }, `changes are not judged: ${problem.message}`);
    }
  }

  /** Null where changes can be judged. */
  function obstacle(): string | null {
    if (!known) return 'it does not know the cluster yet';
    const [problem] = unseen.values();
    return problem === undefined ? null : problem.message;
  }

  function answer(request: AdmissionRequest): AdmissionAnswer {
    const requested = requestedChange(request);
    if (requested === null) return { allowed: true };
    const why = obstacle();
    if (why !== null) return { allowed: true, warnings: [`calico-rr did not judge this change: ${why}`] };
    const decision = decide(request, requested, topology, pending.others(requested.key), minReflectors);
    if (decision.verdict !== 'harmless') tell(request, requested.id, decision);
    if (decision.allowed && !request.dryRun) pending.add(requested.key, requested.change);
    return decision;
  }

  function tell(request: AdmissionRequest, id: string, { verdict, losses }: Decision): void {
    const { operation, resource, name, userInfo, dryRun } = request;
    log.warn(
      {
        id,
        operation,
        resource: resource.resource,
        name,
        user: userInfo.username,
        dryRun,
        losses: losses.slice(0, 5),
      },
      verdict === 'denied' ? 'change denied' : 'change let through by its annotation',
    );
  }

  return {
    async run() {
      await source.run();
    },
    async review(text, stillAsked) {
      const request = parseReview(text);
      if (typeof request === 'string') return { code: 400, body: { error: request } };
      // Judging takes the whole of this thread: those who hung up meanwhile are noticed here, and skipped.
      await yielded();
      if (!stillAsked()) return { code: 200, body: reviewOf(request, { allowed: true }) };
      try {
        return { code: 200, body: reviewOf(request, answer(request)) };
      } catch (error) {
        log.error({ err: error, name: request.name }, 'a change could not be judged, and was let through');
        const warnings = [`calico-rr could not judge this change: ${messageOf(error)}`];
        return { code: 200, body: reviewOf(request, { allowed: true, warnings }) };
      }
    },
    readiness() {
      if (!known)
        return { ready: false, reason: `the cluster is not known yet: ${away ?? 'it is being listed'}` };
      const why = obstacle();
      if (why !== null) return { ready: false, reason: why };
      return {
        ready: true,
        reason: away === null ? 'judging changes' : `judging by what was known before: ${away}`,
      };
    },
    stop: source.stop,
  };
}
