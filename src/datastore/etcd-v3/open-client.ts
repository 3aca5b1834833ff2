/**
 * The client of this home, loaded when it is needed: gRPC (grpc-client.ts) is much to load. Who reads once, and quickly,
 * reads by quick-range.ts first; whatever goes wrong there is asked again over gRPC, which knows of other members, users
 * and why there is no answer.
 */
import type { EtcdSettings } from '../etcd-settings.ts';
import type { EtcdV3Client } from './client.ts';
import { openQuickRange } from './quick-range.ts';

/**
 * Opens nothing yet.
 * @param once for a program that reads what a person asked for and ends
 */
export function createEtcdV3Client(settings: EtcdSettings, once = false): EtcdV3Client {
  let loaded: Promise<EtcdV3Client> | undefined;
  let created: EtcdV3Client | undefined;
  let closed = false;
  let quick = once ? openQuickRange(settings) : undefined;

  const overGrpc = async (): Promise<EtcdV3Client> => {
    loaded ??= import('./grpc-client.ts').then(({ createGrpcClient }) => {
      created = createGrpcClient(settings);
      if (closed) created.close();
      return created;
    });
    return loaded;
  };

  return {
    location: settings.endpoints.join(','),
    async range(request, signal) {
      if (quick !== undefined) {
        try {
          return await quick.range(request, signal);
        } catch {
          signal?.throwIfAborted();
          quick?.close();
          quick = undefined;
        }
      }
      return (await overGrpc()).range(request, signal);
    },
    txn: async (request) => (await overGrpc()).txn(request),
    watch: async (requests, listener, signal) => (await overGrpc()).watch(requests, listener, signal),
    distrustMember: () => created?.distrustMember(),
    close() {
      closed = true;
      quick?.close();
      created?.close();
    },
  };
}
