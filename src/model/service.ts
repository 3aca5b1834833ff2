/** A service of the cluster as one node sees it: what decides which of its addresses that node announces. */
import type { Family, IpAddress } from './address.ts';

export interface Service {
  readonly clusterIps: readonly IpAddress[];
  readonly externalIps: readonly IpAddress[];
  readonly loadBalancerIps: readonly IpAddress[];
  /** `externalTrafficPolicy: Local`: it is to be reached where its endpoints are. */
  readonly local: boolean;
  /** The families in which the node has a ready endpoint of it. */
  readonly endpoints: readonly Family[];
}
