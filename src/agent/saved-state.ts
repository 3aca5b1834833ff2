/**
 * What survives a restart: `approved.json`, the last state that was approved (also the last-known-good state
 * that a start without a datastore runs from), and `held.json`, what the guard holds. No password is in either.
 * A file that cannot be read is reported and moved aside; it never keeps the agent from starting.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../model/errors.ts';
import type { Resource } from '../model/resource.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import { type AtomicFile, createAtomicFile } from './atomic-file.ts';
import type { HeldChange } from './hold.ts';
import { approvedFile, FORMAT, heldFile } from './saved-format.ts';

export interface ApprovedState {
  /** ISO 8601: when it was last applied and verified. */
  readonly approvedAt: string;
  readonly standing: 'entry' | 'node' | 'standalone';
  readonly acceptPrefixes: 'any' | 'pools';
  readonly config: SpeakerConfig;
  /** By node and family (`NODE 4`): how many reflectors it has besides this one. */
  readonly otherReflectors: Readonly<Record<string, number>>;
  /** The resources that make this speaker what it is, kept against their vanishing. */
  readonly ownResources: readonly Resource[];
  /** Established sessions that changes took lately, ISO 8601. */
  readonly taken: readonly { readonly session: string; readonly at: string }[];
}

export interface HeldState {
  readonly held: readonly HeldChange[];
  /** IDs approved of which the change has not been applied yet. */
  readonly approvals: readonly string[];
}

export interface SavedState {
  readonly approved: ApprovedState | null;
  readonly held: HeldState | null;
  /** What could not be read, and where it is now; sentences. */
  readonly complaints: readonly string[];
}

const approvedPath = (directory: string) => join(directory, 'approved.json');
const heldPath = (directory: string) => join(directory, 'held.json');

export function readSavedState(directory: string): SavedState {
  const complaints: string[] = [];
  const approved = readOne(approvedPath(directory), approvedFile, complaints);
  const held = readOne(heldPath(directory), heldFile, complaints);
  return { approved, held, complaints };
}

function readOne<T>(path: string, schema: z.ZodType<T>, complaints: string[]): T | null {
  try {
    if (!existsSync(path)) return null;
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    complaints.push(`${path} cannot be read (${firstLine(error)}); ${moveAside(path)}`);
    return null;
  }
}

function firstLine(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues;
    return issue === undefined ? 'not in our format' : `${issue.path.join('.')}: ${issue.message}`;
  }
  return messageOf(error).split('\n')[0] ?? '';
}

function moveAside(path: string): string {
  const aside = `${path}.unreadable`;
  try {
    renameSync(path, aside);
    return `it is now ${aside}`;
  } catch (error) {
    return `and it cannot be moved aside either (${messageOf(error)})`;
  }
}

export interface StateWriter {
  writeApproved(state: ApprovedState): Promise<void>;
  writeHeld(state: HeldState): Promise<void>;
  flush(): Promise<void>;
}

/**
 * An own entry may hold a password by mistake. Something stays in its place: a peer that comes back from disk
 * must be set aside for it as before, and not be brought up without.
 */
function masked(field: string, value: unknown): unknown {
  return field === 'password' && typeof value === 'string' && value !== '' ? '(not kept)' : value;
}

const sessionTexts = new WeakMap<SessionConfig, string>();

function textOfSession(session: SessionConfig): string {
  const known = sessionTexts.get(session);
  if (known !== undefined) return known;
  const text = JSON.stringify(session);
  sessionTexts.set(session, text);
  return text;
}

/**
 * The file's text, with the thousands of sessions that did not change not turned into text again: this is written
 * after every change (bench/apply.ts).
 */
function textOfApproved(state: ApprovedState): string {
  const { config, ownResources, ...rest } = state;
  const { sessions, ...speaker } = config;
  const fields = [
    inner({ format: FORMAT, ...rest }),
    `"ownResources":${JSON.stringify(ownResources, masked)}`,
    `"config":{${inner(speaker)},"sessions":[${sessions.map(textOfSession).join(',')}]}`,
  ];
  return `{${fields.join(',')}}\n`;
}

/** The fields of an object as JSON, without its braces. */
function inner(object: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(object).slice(1, -1);
}

export function createStateWriter(directory: string): StateWriter {
  const approved: AtomicFile = createAtomicFile(approvedPath(directory));
  const held: AtomicFile = createAtomicFile(heldPath(directory));
  return {
    writeApproved: (state) => approved.write(textOfApproved(state)),
    writeHeld: (state) => held.write(`${JSON.stringify({ format: FORMAT, ...state }, null, 2)}\n`),
    async flush() {
      await Promise.all([approved.flush(), held.flush()]);
    },
  };
}
