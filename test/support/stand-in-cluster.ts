/** A cluster without a mesh on the Kubernetes stand-in, for agents that are processes of their own. */
import { type Administrator, administrator } from '../contract/kubernetes-home.ts';
import { type StandIn, startStandIn } from '../standin/kubernetes/server.ts';

export const CALICO = '/apis/crd.projectcalico.org/v1';

/** @param listenPort of all speakers */
export async function startStandInCluster(
  listenPort: number,
): Promise<{ readonly server: StandIn; readonly admin: Administrator }> {
  const server = await startStandIn();
  const admin = administrator({
    url: server.url,
    settings: { identity: { by: 'nothing' }, insecureSkipTlsVerify: false },
  });
  await admin('POST', `${CALICO}/bgpconfigurations`, {
    metadata: { name: 'default' },
    spec: { asNumber: 64512, nodeToNodeMeshEnabled: false, listenPort },
  });
  return { server, admin };
}
