/**
 * Other makers' BGP daemons on one side of the table, the native engine on the other: what the tests ask of every one of
 * them, in one set of words. Each maker has a file: partner-bird.ts, partner-frr.ts, partner-gobgp.ts,
 * partner-openbgpd.ts. They run on loopback addresses and an unprivileged port.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Family } from '../../src/bgp/index.ts';
import { runToEnd, start } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** Where the processes of these tests run: here. */
export const HERE = { name: 'this machine', start, run: runToEnd };

/** The native engine with which a partner has a session, as the partner sees it. */
export interface PartnerPeer {
  readonly family: Family;
  readonly own: string;
  readonly peer: string;
  /** The partner is a reflector and this is a client of it. */
  readonly client?: boolean;
  readonly password?: string;
  /** GTSM (RFC 5082): the peer is one hop away. */
  readonly near?: boolean;
}

export interface PartnerSettings {
  /** One word, for files and messages. */
  readonly name: string;
  readonly port: number;
  readonly as: number;
  readonly routerId: string;
  /** Of a reflector. */
  readonly clusterId?: string;
  readonly peers: readonly PartnerPeer[];
  /** What it announces of its own. */
  readonly prefixes: readonly string[];
}

/** A path that it holds, as it came to it. */
export interface PartnerPath {
  readonly nextHop: string;
  readonly originatorId: string | undefined;
  readonly clusterList: readonly string[];
  readonly localPreference: number | undefined;
  /** Kept for a peer that is away (RFC 4724). */
  readonly stale: boolean;
}

export interface Partner {
  readonly name: string;
  readonly settings: PartnerSettings;
  /** Paths that it learned to this prefix. */
  paths(prefix: string): Promise<readonly PartnerPath[]>;
  /** Asks its peers for their routes anew (RFC 2918); null: it has no command for that. */
  readonly refresh: (() => Promise<void>) | null;
  /** Ends at once, without a word. */
  crash(): Promise<void>;
  /** Starts again after that, as somebody who restarts gracefully where it knows how to. */
  comeBack(): Promise<void>;
  /** What it said of itself. */
  log(): string;
}

export function familyOf(prefix: string): Family {
  return prefix.includes(':') ? 6 : 4;
}

/** A temp folder that is gone after the tests. */
export function partnerFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'calico-rr-interop-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Waits until a program answers a question, whatever it answers. */
export async function untilAnswers(
  ask: () => Promise<unknown>,
  program: { readonly running: boolean; output(): string },
  name: string,
): Promise<void> {
  await until(
    async () => {
      if (!program.running) throw new Error(`${name} ended: ${program.output()}`);
      return await ask().then(
        () => true,
        () => false,
      );
    },
    () => `${name} to answer: ${program.output()}`,
    30_000,
  );
}

/** Fields of what ought to be a JSON object; none where it is none. */
export function fields(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOr(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
