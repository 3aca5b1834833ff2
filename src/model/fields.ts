/**
 * Every field that Calico's BGP resources may have in `spec`, since which version, and what becomes of it here.
 * Readers warn by this table of what they do not know or do not honour, and docs/reference/fields.md is this table
 * (a test keeps the two one).
 */
import { type Findings, isUnset, warn } from './reading.ts';
import type { Json, JsonObject } from './resource.ts';

export interface FieldNote {
  /** Version of Calico that brought it. */
  readonly since: string;
  /**
   * `honoured`; `reported`: accepted, and a warning says that it has no effect; `enterprise`: the same, because only
   * Calico Enterprise has it; `no concern`: it says nothing about BGP sessions or routes.
   */
  readonly what: 'honoured' | 'reported' | 'enterprise' | 'no concern';
  /** How it is honoured, or what to do instead. */
  readonly note?: string;
  /** Honoured without a word where it has this value, the same as not set. */
  readonly quietly?: string;
}

type Fields = Readonly<Record<string, FieldNote>>;

const yes = (since: string, note?: string): FieldNote => ({
  since,
  what: 'honoured',
  ...(note === undefined ? {} : { note }),
});
const enterprise: FieldNote = { since: 'Enterprise', what: 'enterprise' };
const noConcern = (since: string): FieldNote => ({ since, what: 'no concern' });

export const FIELDS = {
  'Node spec.bgp': {
    asNumber: yes('v3.0'),
    ipv4Address: yes('v3.0', 'with or without a prefix length'),
    ipv6Address: yes('v3.0', 'with or without a prefix length'),
    ipv4IPIPTunnelAddr: noConcern('v3.0'),
    routeReflectorClusterID: yes('v3.3', 'the node reflects, and is in no mesh (by era)'),
  },
  BGPPeer: {
    node: yes('v3.0'),
    nodeSelector: yes(
      'v3.3',
      'finds Nodes; a RouteReflector only by a label that it has, and only with peerIP',
    ),
    peerIP: yes('v3.0'),
    asNumber: yes('v3.0', 'absent or 0: that of the Node or RouteReflector at peerIP, else the global one'),
    localASNumber: yes('v3.31', 'only with peerIP; the other end expects it too'),
    peerSelector: yes('v3.3', 'finds Nodes only'),
    keepOriginalNextHop: yes('v3.16', 'on eBGP sessions'),
    nextHopMode: yes('v3.31', 'at the end that the entry is for'),
    password: yes('v3.16', 'by secretKeyRef only; without its secret the session is not brought up'),
    sourceAddress: yes('v3.18'),
    maxRestartTime: yes('v3.22'),
    keepaliveTime: yes('v3.32'),
    numAllowedLocalASNumbers: yes('v3.23', 'only with peerIP'),
    ttlSecurity: yes('v3.25'),
    filters: yes('v3.26', 'in order; one that does not exist is skipped and reported'),
    reachableBy: yes('v3.25', 'on Calico nodes; a RouteReflector programs no routes and reports it'),
    localWorkloadSelector: {
      since: 'v3.30',
      what: 'reported',
      note: 'only Calico on the node itself knows its workloads; no session is made',
    },
    reversePeering: yes('v3.31'),
    failureDetectionMode: enterprise,
    restartMode: enterprise,
    birdGatewayMode: enterprise,
    externalNetwork: enterprise,
  },
  BGPConfiguration: {
    logSeverityScreen: yes('v3.0', 'debug, info, or silence'),
    nodeToNodeMeshEnabled: yes('v3.0', 'in default only'),
    asNumber: yes('v3.0', 'in default only'),
    serviceClusterIPs: yes('v3.10', 'in default only; the ranges, not single services'),
    serviceExternalIPs: yes('v3.10', 'in default only; the ranges, not single services'),
    serviceLoadBalancerIPs: yes('v3.18', 'in default only; the ranges, not single services'),
    serviceLoadBalancerAggregation: {
      since: 'v3.31',
      what: 'reported',
      note: 'with Disabled the ranges are not announced, and single services are not either',
      quietly: 'Enabled',
    },
    listenPort: yes('v3.16', 'in default and node.NAME'),
    bindMode: yes('v3.23', 'a speaker listens on its own addresses only, whatever is set'),
    communities: yes('v3.16'),
    prefixAdvertisements: yes('v3.16', 'on Calico nodes; those of node.NAME replace those of default'),
    nodeMeshPassword: yes('v3.23', 'in default only'),
    nodeMeshMaxRestartTime: yes('v3.23', 'in default only'),
    ignoredInterfaces: yes('v3.25', 'on Calico nodes; those of node.NAME replace those of default'),
    localWorkloadPeeringIPV4: { since: 'v3.30', what: 'reported', note: 'see BGPPeer localWorkloadSelector' },
    localWorkloadPeeringIPV6: { since: 'v3.30', what: 'reported', note: 'see BGPPeer localWorkloadSelector' },
    programClusterRoutes: {
      since: 'v3.32',
      what: 'reported',
      note: "nodes program every route but those of VXLAN pools; IPIP needs Calico's own BIRD",
    },
    ipv4NormalRoutePriority: { since: 'v3.32', what: 'reported', note: "routes have BIRD's own metric" },
    ipv6NormalRoutePriority: { since: 'v3.32', what: 'reported', note: "routes have BIRD's own metric" },
  },
  BGPFilter: {
    importV4: yes('v3.26'),
    importV6: yes('v3.26'),
    exportV4: yes('v3.26'),
    exportV6: yes('v3.26'),
  },
  IPPool: {
    cidr: yes('v3.0'),
    disabled: yes('v3.0', 'not announced'),
    ipipMode: yes('v3.0', 'its tunnel routes are not programmed by stock BIRD, and that is reported'),
    vxlanMode: yes('v3.7', 'not programmed: that is Felix’s part'),
    ipip: yes('v2', 'the older form of ipipMode'),
    disableBGPExport: yes('v3.22'),
    natOutgoing: noConcern('v3.0'),
    'nat-outgoing': noConcern('v2'),
    blockSize: noConcern('v3.0'),
    nodeSelector: noConcern('v3.6'),
    namespaceSelector: noConcern('v3.30'),
    allowedUses: noConcern('v3.20'),
    assignmentMode: noConcern('v3.27'),
  },
  CalicoNodeStatus: {
    node: yes('v3.22'),
    classes: yes('v3.22'),
    updatePeriodSeconds: yes('v3.22'),
  },
} as const satisfies Readonly<Record<string, Fields>>;

/** Warns of every field that is set and that has no meaning, or no effect here. */
export function warnOfFields(findings: Findings, raw: JsonObject, kind: keyof typeof FIELDS): void {
  const known: Fields = FIELDS[kind];
  const path = kind === 'Node spec.bgp' ? 'spec.bgp' : 'spec';
  for (const [key, value] of Object.entries(raw)) {
    if (!Object.hasOwn(known, key)) {
      warnOfUnknown(findings, key, Object.keys(known), path);
      continue;
    }
    const note = known[key];
    if (note !== undefined && !isUnset(value)) warnOfNote(findings, `${path}.${key}`, value, note);
  }
}

function warnOfNote(
  findings: Findings,
  field: string,
  value: Json,
  { what, note, quietly }: FieldNote,
): void {
  if (what === 'enterprise') {
    warn(
      findings,
      'not-supported',
      field,
      'belongs to Calico Enterprise and has no effect.',
      'Leave it out.',
    );
  } else if (what === 'reported' && value !== quietly) {
    warn(findings, 'not-supported', field, `has no effect: ${note}.`);
  }
}

/** A misspelt field would be passed over without a word: `clusterId` is not `clusterID`. */
export function warnOfUnknown(findings: Findings, key: string, known: readonly string[], path: string): void {
  const plain = key.toLowerCase().replaceAll(/[-_]/g, '');
  const near = known.find((one) => one.toLowerCase() === plain);
  const hint = near === undefined ? undefined : `Did you mean ${near}?`;
  warn(findings, 'unknown-field', `${path}.${key}`, 'has no meaning and is passed over.', hint);
}
