/**
 * What survives a restart: `approved.json`, the last state that was approved (also the last-known-good state
 * that a start without a datastore runs from), and `held.json`, what the guard holds. No password is in either.
 * A file that cannot be read is reported and moved aside; it never keeps the agent from starting.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type IpAddress, type Prefix, parseAddress, parsePrefix } from '../model/address.ts';
import { type AsNumber, parseAsNumber } from '../model/as-number.ts';
import { type Community, parseCommunity } from '../model/community.ts';
import { messageOf } from '../model/errors.ts';
import { KINDS, type Resource, type ResourceKey } from '../model/resource.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import { type AtomicFile, createAtomicFile } from './atomic-file.ts';
import { GUARD_RULES, type HeldChange } from './hold.ts';

/** Raised when a newer program could not read what an older one wrote. */
const FORMAT = 1;

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

const address = z.custom<IpAddress>((value) => typeof value === 'string' && parseAddress(value) === value);
const prefix = z.custom<Prefix>((value) => typeof value === 'string' && parsePrefix(value) === value);
const asNumber = z.custom<AsNumber>((value) => typeof value === 'number' && parseAsNumber(value) === value);
const resourceKey = z.custom<ResourceKey>(
  (value) => typeof value === 'string' && /^[A-Za-z]+\/./.test(value),
);
const family = z.union([z.literal(4), z.literal(6)]);
const seconds = z.number().int().nonnegative();
const port = z.number().int().min(0).max(65535);

const session = z.object({
  name: z.string(),
  kind: z.enum(['mesh', 'global', 'node', 'reflector', 'external']),
  family,
  peerAddress: address,
  peerPort: port,
  peerAs: asNumber,
  localAs: asNumber,
  peerName: z.string().nullable(),
  client: z.boolean(),
  clusterId: z.string().nullable(),
  passive: z.boolean(),
  nextHop: z.enum(['auto', 'self', 'keep']),
  sourceAddress: address.nullable(),
  password: z.boolean(),
  passwordRef: z.string().nullable(),
  ttlSecurityHops: z.number().int().nullable(),
  gracefulRestartSeconds: seconds,
  keepaliveSeconds: seconds.nullable(),
  holdTimeSeconds: seconds.nullable(),
  allowLocalAs: z.number().int(),
  importFilters: z.array(prefix),
  exportFilters: z.array(prefix),
  importPolicy: z.enum(['accept', 'listed']),
  exportPolicy: z.enum(['accept', 'listed', 'pools']),
  filters: z.array(z.string()).default([]),
  reachableBy: address.nullable().default(null),
  maxPrefixes: z.number().int().nullable(),
  because: resourceKey,
});

const community = z.custom<Community>(
  (value) => typeof value === 'string' && parseCommunity(value) === value,
);

const filterRules = z.array(
  z.object({
    action: z.enum(['accept', 'reject']),
    prefixes: z
      .object({ cidr: prefix, within: z.boolean(), minLength: z.number().int(), maxLength: z.number().int() })
      .nullable(),
    fromPeers: z.boolean(),
    interface: z.string().nullable(),
    peerType: z.enum(['external', 'internal']).nullable(),
    community: community.nullable(),
    asPathPrefix: z.array(asNumber),
    priority: z.number().int().nullable(),
    operations: z.array(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('add-community'), community }),
        z.object({ type: z.literal('prepend-as-path'), path: z.array(asNumber) }),
        z.object({ type: z.literal('set-priority'), priority: z.number().int() }),
      ]),
    ),
  }),
);

const filter = z.object({
  name: z.string(),
  importV4: filterRules,
  importV6: filterRules,
  exportV4: filterRules,
  exportV6: filterRules,
  because: resourceKey,
});

const overlay = z.enum(['Never', 'Always', 'CrossSubnet']);

const config = z
  .object({
    speaker: z.string(),
    role: z.enum(['reflector', 'node']),
    forwards: z.boolean().optional(),
    standalone: z.boolean(),
    asNumber,
    routerId: z.string(),
    ipv4: address.nullable(),
    ipv6: address.nullable(),
    ipv4Network: prefix.nullable().default(null),
    clusterId: z.string().nullable(),
    group: z.string().nullable(),
    listenPort: port,
    logLevel: z.enum(['none', 'info', 'debug']),
    pools: z.array(
      z.object({
        cidr: prefix,
        disabled: z.boolean(),
        ipip: overlay,
        vxlan: overlay,
        disableBgpExport: z.boolean().default(false),
        because: resourceKey,
      }),
    ),
    serviceRanges: z.array(prefix),
    filters: z.array(filter).default([]),
    prefixAdvertisements: z.array(z.object({ cidr: prefix, communities: z.array(community) })).default([]),
    ignoredInterfaces: z.array(z.string()).default([]),
    blocks: z.array(prefix),
    customFilters: z.array(z.object({ family, name: z.string(), text: z.string() })),
    sessions: z.array(session),
  })
  // Files of before nodes could reflect say it by the role.
  .transform(({ forwards, ...saved }) => ({ ...saved, forwards: forwards ?? saved.role === 'node' }));

const resource = z.object({
  apiVersion: z.string(),
  kind: z.enum(Object.keys(KINDS).filter((kind): kind is keyof typeof KINDS => Object.hasOwn(KINDS, kind))),
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()).exactOptional(),
    annotations: z.record(z.string(), z.string()).exactOptional(),
  }),
  spec: z.record(z.string(), z.json()),
});

const approvedFile = z.object({
  format: z.literal(FORMAT),
  approvedAt: z.string(),
  standing: z.enum(['entry', 'node', 'standalone']),
  acceptPrefixes: z.enum(['any', 'pools']),
  config,
  otherReflectors: z.record(z.string(), z.number().int().nonnegative()),
  ownResources: z.array(resource),
  taken: z.array(z.object({ session: z.string(), at: z.string() })),
});

const heldFile = z.object({
  format: z.literal(FORMAT),
  held: z.array(
    z.object({
      id: z.string(),
      since: z.string(),
      rules: z.array(z.enum(GUARD_RULES)),
      reasons: z.array(z.string()),
      sessions: z.array(
        z.object({
          name: z.string(),
          peerAddress: address,
          peerName: z.string().nullable(),
          family,
          effect: z.enum(['removed', 'restarted']),
          proposal: z.string(),
        }),
      ),
      routes: z.array(z.object({ session: z.string(), prefix: z.string() })),
      resources: z.array(resourceKey),
    }),
  ),
  approvals: z.array(z.string()),
});

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
