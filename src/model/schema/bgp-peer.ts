/** Calico's BGPPeer, field by field (reader: ../bgp-peer.ts). */
import { isUnset } from '../reading.ts';
import {
  choice,
  enterprise,
  flag,
  honoured,
  integer,
  type KindSchema,
  list,
  passwordReference,
  reported,
  text,
} from './shape.ts';

export const BGP_PEER: KindSchema = {
  description:
    'Nodes that are to peer with an address, or with other nodes. Without node and nodeSelector it is for every node.',
  names:
    'Any name. On etcd v2, where peers have none, it follows from the key: global.ADDRESS or node.NODE.ADDRESS.',
  spec: {
    node: honoured('v3.0', text, 'The one node that this is for, by its exact name.'),
    nodeSelector: honoured('v3.3', { type: 'selector' }, 'The nodes that this is for, by their labels.', {
      note: 'a RouteReflector is found only by a label that it has, and only with peerIP',
    }),
    peerIP: honoured(
      'v3.0',
      { type: 'endpoint' },
      'Address of the peer, with its port where that is not 179: IP, IPv4:port or [IPv6]:port.',
    ),
    asNumber: honoured('v3.0', { type: 'as-number', zeroIsUnset: true }, 'AS of the peer at peerIP.', {
      default: 'that of the Node or RouteReflector at peerIP, else the global one',
      note: '0 is the same as absent',
    }),
    localASNumber: honoured(
      'v3.31',
      { type: 'as-number', zeroIsUnset: true },
      'AS that the node speaks with on this session, in the place of its own.',
      {
        default: 'the AS of the node',
        note: 'with peerIP only; a Calico node at the other end expects it too',
      },
    ),
    peerSelector: honoured('v3.3', { type: 'selector' }, 'The nodes to peer with, by their labels.', {
      note: 'finds Nodes only; each brings its own AS',
    }),
    keepOriginalNextHop: honoured(
      'v3.16',
      flag,
      'Leaves the next hop of routes as it is, on eBGP sessions.',
      {
        default: false,
        note: 'the older form of nextHopMode',
      },
    ),
    nextHopMode: honoured(
      'v3.31',
      choice('Auto', 'Self', 'Keep'),
      'What becomes of the next hop of the routes that the node gives: as BGP has it, its own address, or untouched.',
      { default: 'Auto', note: 'at the end that the entry is for' },
    ),
    password: honoured('v3.16', passwordReference, 'Password of the session (TCP-MD5, RFC 2385).', {
      note: 'a session whose password is missing is not brought up without it',
    }),
    sourceAddress: honoured(
      'v3.18',
      choice('UseNodeIP', 'None'),
      'Whether the session comes from the address of the node, or from whichever the kernel takes.',
      { default: 'UseNodeIP' },
    ),
    maxRestartTime: honoured(
      'v3.22',
      { type: 'duration' },
      'How long the peer keeps the routes of a session that went away to restart (RFC 4724).',
      { default: '2m', note: 'rounded to seconds, 4095 s at most' },
    ),
    keepaliveTime: honoured('v3.32', { type: 'duration' }, 'Time between two KEEPALIVE messages.', {
      default: 'a third of the hold time',
      note: 'rounded to seconds',
    }),
    numAllowedLocalASNumbers: honoured(
      'v3.23',
      integer(0, 255),
      'How often the own AS may stand in the AS path of a route that is taken.',
      { default: 0, note: 'with peerIP only' },
    ),
    ttlSecurity: honoured(
      'v3.25',
      integer(0, 255),
      'How many hops away the peer may be at most; packets from farther away are dropped (RFC 5082).',
      { default: 'no test of the distance' },
    ),
    filters: honoured('v3.26', list(text), 'Names of BGPFilters that routes are asked by, in this order.', {
      note: 'one that does not exist is skipped and reported',
    }),
    reachableBy: honoured(
      'v3.25',
      { type: 'address' },
      'Gateway of a route to the peer, of the family of peerIP.',
      { note: 'on Calico nodes; a RouteReflector programs no routes and reports it' },
    ),
    localWorkloadSelector: reported(
      'v3.30',
      { type: 'selector' },
      'Workloads of the node itself to peer with, by their labels.',
      'only Calico on the node itself knows its workloads; no session is made',
    ),
    reversePeering: honoured(
      'v3.31',
      choice('Auto', 'Manual'),
      'Whether Calico nodes at the other end peer back by themselves.',
      { default: 'Auto' },
    ),
    failureDetectionMode: enterprise('How a dead peer is noticed.'),
    restartMode: enterprise('How routes are kept over a restart.'),
    birdGatewayMode: enterprise('How a next hop is looked up.'),
    externalNetwork: enterprise('The network behind the peer.'),
  },
  rules: [
    {
      says: 'node and nodeSelector exclude each other.',
      field: 'spec.nodeSelector',
      example: { node: 'n1', nodeSelector: 'all()', peerIP: '192.0.2.1', asNumber: 65001 },
    },
    {
      says: 'peerIP, peerSelector and localWorkloadSelector exclude one another.',
      field: 'spec.peerSelector',
      example: { peerIP: '192.0.2.1', peerSelector: 'has(rr)' },
    },
    {
      says: 'One of peerIP, peerSelector and localWorkloadSelector is needed.',
      field: 'spec.peerIP',
      example: { nodeSelector: 'all()' },
    },
    {
      says: 'asNumber goes with peerIP or localWorkloadSelector: nodes that peerSelector finds bring their own.',
      field: 'spec.asNumber',
      example: { peerSelector: 'has(rr)', asNumber: 65001 },
    },
    {
      says: 'localWorkloadSelector needs asNumber.',
      field: 'spec.asNumber',
      example: { localWorkloadSelector: 'all()' },
      broken: (spec) => !isUnset(spec.localWorkloadSelector) && isUnset(spec.asNumber),
    },
    {
      says: 'keepOriginalNextHop and nextHopMode exclude each other.',
      field: 'spec.keepOriginalNextHop',
      example: { peerIP: '192.0.2.1', asNumber: 65001, keepOriginalNextHop: true, nextHopMode: 'Self' },
      broken: (spec) => spec.keepOriginalNextHop === true && !isUnset(spec.nextHopMode),
    },
    {
      says: 'reachableBy needs peerIP, and is of the same family.',
      field: 'spec.reachableBy',
      example: { peerIP: '192.0.2.1', asNumber: 65001, reachableBy: 'fd00::1' },
    },
  ],
  example: `apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata:
  name: clients-to-reflectors
spec:
  nodeSelector: "!has(route-reflector)"
  peerSelector: route-reflector == 'true'
`,
};
