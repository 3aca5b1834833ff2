/** Kubernetes keeps the datastore contract: on the stand-in always, on a real API server where there is one. */
import { datastoreContract } from './datastore.ts';
import { standInServer, startKubernetesHome } from './kubernetes-home.ts';

datastoreContract('Kubernetes', 'server', async () => startKubernetesHome(await standInServer()));
