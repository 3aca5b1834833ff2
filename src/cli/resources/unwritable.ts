/** What a home refuses whatever it holds: asked before a dry run says that something would be done. */
import type { DatastoreType } from '../../datastore/datastore.ts';
import type { Kind, Resource } from '../../model/resource.ts';

/** The error that creating or replacing would give, or undefined. */
export async function refusedWrite(
  resource: Resource,
  operation: 'Create' | 'Update',
  type: DatastoreType,
): Promise<unknown> {
  const { kind, metadata } = resource;
  if (type === 'kubernetes' && kind === 'Node' && operation === 'Create') {
    const { ofTheCluster } = await import('../../datastore/kubernetes/kubernetes.ts');
    return ofTheCluster(metadata.name, 'created');
  }
  if (kind === 'RouteReflector' && (type === 'etcdv2' || type === 'etcdv3')) {
    const { planReflectorWrite } = await import('../../datastore/reflector-entry-write.ts');
    return thrownBy(() => planReflectorWrite(resource));
  }
  if (type !== 'etcdv2') return undefined;
  const { planWrite } = await import('../../datastore/etcd-v2/write.ts');
  const { emptyTree } = await import('../../datastore/etcd-v2/tree.ts');
  return thrownBy(() => planWrite(emptyTree(), resource, undefined));
}

/** The error that deleting would give, or undefined. */
export async function refusedDelete(kind: Kind, name: string, type: DatastoreType): Promise<unknown> {
  if (type !== 'kubernetes' || kind !== 'Node') return undefined;
  const { ofTheCluster } = await import('../../datastore/kubernetes/kubernetes.ts');
  return ofTheCluster(name, 'deleted');
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
