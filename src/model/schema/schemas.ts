/** The schema of every kind: the one place to ask what a resource may hold. */
import type { Kind } from '../resource.ts';
import { BGP_CONFIGURATION } from './bgp-configuration.ts';
import { BGP_FILTER } from './bgp-filter.ts';
import { BGP_PEER } from './bgp-peer.ts';
import { BLOCK_AFFINITY } from './block-affinity.ts';
import { CALICO_NODE_STATUS } from './calico-node-status.ts';
import { IP_POOL } from './ip-pool.ts';
import { NODE } from './node.ts';
import { CUSTOM_FILTER, ROUTE_REFLECTOR, ROUTE_REFLECTOR_STATUS } from './route-reflector.ts';
import type { KindSchema } from './shape.ts';

export const SCHEMAS: Readonly<Record<Kind, KindSchema>> = {
  Node: NODE,
  BGPPeer: BGP_PEER,
  BGPConfiguration: BGP_CONFIGURATION,
  BGPFilter: BGP_FILTER,
  CalicoNodeStatus: CALICO_NODE_STATUS,
  IPPool: IP_POOL,
  BlockAffinity: BLOCK_AFFINITY,
  RouteReflector: ROUTE_REFLECTOR,
  RouteReflectorStatus: ROUTE_REFLECTOR_STATUS,
  CustomFilter: CUSTOM_FILTER,
};
