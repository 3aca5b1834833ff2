/** The flag by which every verb that works out sessions is told which Calico the nodes run. */

export const CALICO_VERSION_FLAG = '--calico-version <VERSION>';
export const CALICO_VERSION_HELP =
  'version of Calico on the nodes: who is in the node-to-node mesh changed in v3.13 and v3.21 (CALICO_RR_CALICO_VERSION)';
