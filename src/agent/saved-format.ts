/** The shape of `approved.json` and `held.json`, field by field: what is read from disk is nothing else than this. */
import { z } from 'zod';
import { type IpAddress, type Prefix, parseAddress, parsePrefix } from '../model/address.ts';
import { type AsNumber, parseAsNumber } from '../model/as-number.ts';
import { type Community, parseCommunity } from '../model/community.ts';
import { KINDS, type ResourceKey } from '../model/resource.ts';
import { GUARD_RULES } from './hold.ts';

/** Raised when a newer program could not read what an older one wrote. */
export const FORMAT = 1;

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
    serviceRoutes: z.array(prefix).optional(),
    filters: z.array(filter).default([]),
    prefixAdvertisements: z.array(z.object({ cidr: prefix, communities: z.array(community) })).default([]),
    ignoredInterfaces: z.array(z.string()).default([]),
    blocks: z.array(prefix),
    customFilters: z.array(z.object({ family, name: z.string(), text: z.string() })),
    sessions: z.array(session),
  })
  // Files of before nodes could reflect say it by the role.
  .transform(({ forwards, ...saved }) => ({ ...saved, forwards: forwards ?? saved.role === 'node' }))
  // Files of before single services were announced have the ranges alone.
  .transform(({ serviceRoutes, ...saved }) => ({
    ...saved,
    serviceRoutes: serviceRoutes ?? (saved.forwards ? saved.serviceRanges : []),
  }));

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

export const approvedFile = z.object({
  format: z.literal(FORMAT),
  approvedAt: z.string(),
  standing: z.enum(['entry', 'node', 'standalone']),
  acceptPrefixes: z.enum(['any', 'pools']),
  config,
  otherReflectors: z.record(z.string(), z.number().int().nonnegative()),
  ownResources: z.array(resource),
  taken: z.array(z.object({ session: z.string(), at: z.string() })),
});

export const heldFile = z.object({
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
