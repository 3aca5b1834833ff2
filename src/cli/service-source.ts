/** Where the services are read from that a node announces: Kubernetes, where that is the datastore. */
import type { ServiceWatch } from '../datastore/kubernetes/service-watch.ts';
import type { DatastoreSettings } from '../datastore/settings.ts';

/**
 * What opens the watch of the cluster's services; null where they are not known.
 * @throws E_SETTING
 */
export async function serviceWatchOf(
  datastore: DatastoreSettings,
): Promise<((changed: () => void) => ServiceWatch) | null> {
  if (datastore.type !== 'kubernetes') return null;
  const { readKubernetesSettings } = await import('../datastore/kubernetes/environment.ts');
  const { watchServices } = await import('../datastore/kubernetes/service-watch.ts');
  const { environment, kubeconfig, context } = datastore;
  const settings = readKubernetesSettings(environment, { kubeconfig, context });
  return (changed) => watchServices(settings, changed);
}
