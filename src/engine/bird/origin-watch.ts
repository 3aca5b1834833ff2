/**
 * The origin guard beside a running BIRD: its tables are kept in step with IPAM, the peers whose routes are judged
 * otherwise than before are asked for them anew, and what is foreign is told of. Who those are BIRD says itself, by the
 * marks that its filters left: of thousands of sessions a block that moves concerns two.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Family, parsePrefix } from '../../model/address.ts';
import { messageOf } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { OriginLists } from '../../topology/origins.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import type { OriginGuard } from '../engine.ts';
import { type ForeignRoute, foreignOrigin, nodeToJudge } from '../foreign-origin.ts';
import type { ControlSocket } from './control-socket.ts';
import { hasFamily } from './node-role.ts';
import {
  FOREIGN_MARK,
  isForeign,
  NODE_MARK,
  type OriginTables,
  originNumbers,
  originTables,
} from './origin-tables.ts';
import { parseRoutes } from './replies.ts';

export interface OriginWatch {
  guard(next: OriginGuard): void;
  /** It may judge otherwise than before: `load` is called soon, once for all that changed meanwhile. */
  changed(): void;
  /** What a configuration with these sessions has to hold; the same object while nothing of it changed. */
  tables(config: SpeakerConfig): OriginTables | null;
  /** After a configuration with these tables was loaded. */
  settle(control: ControlSocket, config: SpeakerConfig, tables: OriginTables | null): Promise<void>;
  /** What is foreign, as of some seconds ago at most. */
  warnings(control: ControlSocket, config: SpeakerConfig): Promise<readonly Problem[]>;
}

/** What changes at about the same time is loaded at once. */
const GATHER_MS = 50;
/** BIRD reads its whole file for a block that moves: between two times it rests this many times as long. */
const REST = 4;
const RETRY_MS = 10_000;
/** BIRD looks at every route for it: not more often than this, nor for more than a fiftieth of the time. */
const LOOK_EVERY_MS = 5_000;
const LOOK_REST = 50;
const TIMEOUT_MS = 60_000;

/** @param load brings BIRD to what is to run now */
export function watchOrigins(load: () => Promise<void>, log: Logger): OriginWatch {
  let guard: OriginGuard | undefined;
  /** Of when `changed` was last called; null: not asked for since. */
  let lists: OriginLists | null = null;
  let made: OriginTables | null = null;
  let running: OriginTables | null = null;
  /** Those by which all routes that BIRD holds were judged, or are about to be. */
  let settled: OriginTables | null = null;
  let asked = false;
  let loading = false;
  let seen: readonly Problem[] = [];
  let lookAt = Number.NEGATIVE_INFINITY;

  async function loadSoon(): Promise<void> {
    loading = true;
    await pause(GATHER_MS, undefined, { ref: false });
    while (asked) {
      asked = false;
      const began = performance.now();
      const failed = await load().then(
        () => false,
        (error) => {
          log.warn({ reason: messageOf(error) }, 'BIRD was not told which blocks have moved');
          return true;
        },
      );
      asked ||= failed;
      await pause(failed ? RETRY_MS : REST * (performance.now() - began), undefined, { ref: false });
    }
    loading = false;
  }

  /** @param which taken routes, or those that were refused */
  async function routesWhere(
    control: ControlSocket,
    config: SpeakerConfig,
    which: 'taken' | 'refused',
    condition: (family: Family) => string,
  ): Promise<ReturnType<typeof parseRoutes>> {
    const filtered = which === 'refused' ? ' filtered' : '';
    const replies = await Promise.all(
      ([4, 6] as const)
        .filter((family) => hasFamily(config, family))
        .map((family) => `show route table master${family}${filtered} where ${condition(family)}`)
        .map((question) => control.request(question, TIMEOUT_MS)),
    );
    return replies.flatMap(parseRoutes);
  }

  const foreign = (family: Family): string => `defined(${NODE_MARK}) && (${isForeign(family)})`;
  const wronglyRefused = (family: Family): string => `defined(${FOREIGN_MARK}) && !(${isForeign(family)})`;

  /** Asks those for their routes again whose were taken and are foreign now, or the other way round. */
  async function askAgain(control: ControlSocket, config: SpeakerConfig): Promise<void> {
    const concerned = [
      ...(await routesWhere(control, config, 'taken', foreign)),
      ...(await routesWhere(control, config, 'refused', wronglyRefused)),
    ];
    for (const session of new Set(concerned.map(({ protocol }) => protocol))) {
      const { code, text } = await control.request(`reload in ${session}`);
      if (code < 8000) continue;
      log.warn(
        { session, reason: text },
        'a peer cannot be asked for its routes again: what it announced before is judged when it says it anew',
      );
    }
  }

  return {
    guard(next) {
      guard = next;
    },
    changed() {
      lists = null;
      asked = guard !== undefined;
      if (asked && !loading) void loadSoon();
    },
    tables({ sessions }) {
      if (guard === undefined) return null;
      const isNew = lists === null;
      lists ??= guard.lists();
      const numbers = originNumbers(sessions, lists.isJudged);
      if (numbers.size === 0) made = null;
      else if (isNew || made === null || !sameNumbers(made.numbers, numbers)) {
        const next = originTables(lists, numbers, guard.enforce);
        if (made === null || !sameTables(made, next)) made = next;
      }
      return made;
    },
    async settle(control, config, tables) {
      running = tables;
      if (tables === settled) return;
      lookAt = Number.NEGATIVE_INFINITY;
      try {
        if (tables?.enforce === true) await askAgain(control, config);
        settled = tables;
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'BIRD does not say whose routes are to be judged anew');
      }
    },
    async warnings(control, config) {
      if (running === null || guard === undefined) return [];
      const began = performance.now();
      if (began < lookAt) return seen;
      lookAt = began + LOOK_EVERY_MS;
      const nodes = new Map(config.sessions.map((session) => [session.name, nodeToJudge(session)]));
      const found = new Map<string, ForeignRoute>();
      for (const which of ['taken', 'refused'] as const) {
        const refused = running.enforce || which === 'refused';
        for (const route of await routesWhere(control, config, which, foreign)) {
          const node = nodes.get(route.protocol) ?? null;
          const prefix = parsePrefix(route.prefix);
          const fault = node === null || prefix === undefined ? null : guard.faultOf(node, prefix);
          if (node === null || prefix === undefined || fault === null) continue;
          const count = (found.get(node)?.count ?? 0) + 1;
          found.set(node, { ...(found.get(node) ?? { prefix, fault, refused }), count });
        }
      }
      seen = [...found].map(([node, route]) => foreignOrigin(node, route));
      lookAt = Math.max(lookAt, began + (LOOK_REST + 1) * (performance.now() - began));
      return seen;
    },
  };
}

function sameNumbers(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  return one.size === other.size && [...one].every(([node, number]) => other.get(node) === number);
}

function sameTables(one: OriginTables, other: OriginTables): boolean {
  return (
    sameNumbers(one.numbers, other.numbers) &&
    sameLines(one.blocks, other.blocks) &&
    sameLines(one.ranges, other.ranges)
  );
}

function sameLines(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((line, index) => line === other[index]);
}
