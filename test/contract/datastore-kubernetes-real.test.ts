/** The datastore contract on a real kube-apiserver, where KUBEBUILDER_ASSETS says where one is. */
import { startKubeApiServer } from '../support/kube-apiserver.ts';
import { datastoreContract } from './datastore.ts';
import { startKubernetesHome } from './kubernetes-home.ts';

const assets = process.env.KUBEBUILDER_ASSETS ?? '';
if (assets !== '') {
  datastoreContract('Kubernetes, on a real kube-apiserver,', 'server', async () =>
    startKubernetesHome(await startKubeApiServer(assets)),
  );
}
