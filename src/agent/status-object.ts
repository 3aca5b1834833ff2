/**
 * The small object that a reflector writes beside its entry, so that its fellows can tell whether a client of
 * theirs has another established reflector before they go. Written on change, at most once in ten seconds, and
 * every five minutes besides, so that a writer that died can be told from one with nothing new to say.
 */
import type { Logger } from 'pino';
import type { Datastore } from '../datastore/datastore.ts';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import { type JsonObject, REFLECTOR_API_VERSION, type Resource } from '../model/resource.ts';

const LEAST_BETWEEN_MS = 10_000;
const REFRESH_MS = 5 * 60_000;
/** Twice the refresh, and some: an older report says nothing about now. */
export const STATUS_FRESH_MS = 11 * 60_000;
/** A report stays small whatever happens; beyond this many, `downOmitted` says how many more are down. */
const DOWN_LISTED = 500;

const REPORTED_STATES = ['running', 'draining', 'drained', 'stopped'] as const;
export type ReportedState = (typeof REPORTED_STATES)[number];

export interface ReflectorReport {
  readonly addresses: readonly string[];
  readonly state: ReportedState;
  readonly version: string;
  readonly configured: number;
  readonly established: number;
  /** Addresses of configured peers with which no session is established. */
  readonly down: readonly string[];
  readonly downOmitted: number;
  readonly held: number;
  /** Where it can be asked: `https://10.0.0.1:9180`; null: not over the network. */
  readonly control: string | null;
}

export interface ReadReport extends ReflectorReport {
  /** Milliseconds since 1970. */
  readonly updated: number;
}

export function limitDown(down: readonly string[]): Pick<ReflectorReport, 'down' | 'downOmitted'> {
  return { down: down.slice(0, DOWN_LISTED), downOmitted: Math.max(0, down.length - DOWN_LISTED) };
}

/** A report read back, or undefined where it is none. */
export function readReport(resource: Resource): ReadReport | undefined {
  const { spec } = resource;
  const updated = typeof spec.updated === 'string' ? Date.parse(spec.updated) : Number.NaN;
  const state = REPORTED_STATES.find((known) => known === spec.state);
  if (Number.isNaN(updated) || state === undefined) return undefined;
  return {
    addresses: strings(spec.addresses),
    state,
    version: typeof spec.version === 'string' ? spec.version : '',
    configured: number(spec.configured),
    established: number(spec.established),
    down: strings(spec.down),
    downOmitted: number(spec.downOmitted),
    held: number(spec.held),
    control: typeof spec.control === 'string' ? spec.control : null,
    updated,
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

export interface StatusWriterOptions {
  readonly log: Logger;
  readonly datastore: () => Datastore | null;
  /** Null while there is nothing to say. */
  readonly report: () => { readonly name: string; readonly report: ReflectorReport } | null;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface StatusWriter {
  /** Something may have changed. Cheap; writes when it is time. */
  consider(): void;
  /** Writes what is new now, whatever the interval; for the last word before the end. */
  flush(): Promise<void>;
  stop(): void;
}

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  let written = '';
  let writtenAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let failing = false;
  let stopped = false;

  async function write(force: boolean): Promise<void> {
    const current = options.report();
    const datastore = options.datastore();
    if (current === null || datastore === null) return;
    const text = JSON.stringify(current);
    const due = text !== written || options.now() - writtenAt >= REFRESH_MS;
    if (!due && !force) return;
    writtenAt = options.now();
    try {
      await store(datastore, current.name, {
        ...current.report,
        updated: new Date(options.now()).toISOString(),
      });
      written = text;
      if (failing) options.log.info('this reflector reports its status again');
      failing = false;
    } catch (error) {
      if (!failing) {
        options.log.warn(
          { reason: messageOf(error) },
          'this reflector cannot report its status; a drain of another reflector will not count on it',
        );
      }
      failing = true;
    }
  }

  function writeOnce(force: boolean): Promise<void> {
    running ??= write(force).finally(() => {
      running = null;
    });
    return running;
  }

  return {
    consider() {
      if (stopped || timer !== null) return;
      const wait = Math.max(0, writtenAt + LEAST_BETWEEN_MS - options.now());
      timer = setTimeout(() => {
        timer = null;
        void writeOnce(false);
      }, wait);
      timer.unref();
    },
    async flush() {
      await running;
      await writeOnce(false);
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}

async function store(datastore: Datastore, name: string, spec: JsonObject): Promise<void> {
  const resource: Resource = {
    apiVersion: REFLECTOR_API_VERSION,
    kind: 'RouteReflectorStatus',
    metadata: { name },
    spec,
  };
  // Nobody else writes this object, so the newest word wins over whatever is stored.
  for (let attempt = 0; ; attempt++) {
    try {
      const stored = await datastore.get('RouteReflectorStatus', name);
      await datastore.update({ ...resource, metadata: { ...stored.metadata, name } });
      return;
    } catch (error) {
      if (!(error instanceof CalicoRrError) || attempt >= 3) throw error;
      if (error.code === 'E_CONFLICT') continue;
      if (error.code === 'E_INVALID_RESOURCE') {
        await datastore.delete('RouteReflectorStatus', name);
        continue;
      }
      if (error.code !== 'E_NOT_FOUND') throw error;
    }
    try {
      await datastore.create(resource);
      return;
    } catch (error) {
      if (!(error instanceof CalicoRrError) || error.code !== 'E_EXISTS') throw error;
    }
  }
}
