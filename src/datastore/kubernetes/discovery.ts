/**
 * Which of Calico's two API groups holds its resources (libcalico-go, backend/k8s/discovery.go): projectcalico.org/v3
 * where it is served and crd.projectcalico.org/v1 is not; where both are, v3 is an aggregated server over v1.
 */
import { isJsonObject } from '../../model/json.ts';
import type { Connection } from './connection.ts';
import { ApiRefusal } from './failure.ts';
import type { CalicoApiGroup } from './settings.ts';

export interface Discovery {
  /** @throws ApiRefusal, or what undici throws, where the server does not answer */
  calicoGroup(signal?: AbortSignal): Promise<CalicoApiGroup>;
  /** A collection was missing: CRDs may have been replaced. */
  forget(): void;
}

export function createDiscovery(connection: Connection, configured?: CalicoApiGroup): Discovery {
  let known: CalicoApiGroup | undefined = configured;
  return {
    async calicoGroup(signal) {
      if (known !== undefined) return known;
      const found = await discover(connection, signal);
      // A cluster without Calico's CRDs may get them yet, in either group.
      if (found.certain) known = found.group;
      return found.group;
    },
    forget() {
      known = configured;
    },
  };
}

async function discover(
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<{ group: CalicoApiGroup; certain: boolean }> {
  let groups: ReadonlySet<string>;
  try {
    const list = await connection.json({
      method: 'GET',
      path: '/apis',
      ...(signal === undefined ? {} : { signal }),
    });
    groups = groupVersions(isJsonObject(list) ? list.groups : undefined);
  } catch (error) {
    // Discovery may be closed to us; Calico's own rule is v1 then.
    if (error instanceof ApiRefusal && (error.code === 403 || error.code === 404)) {
      return { group: 'crd.projectcalico.org/v1', certain: false };
    }
    throw error;
  }
  const hasV1 = groups.has('crd.projectcalico.org/v1');
  const hasV3 = groups.has('projectcalico.org/v3');
  return {
    group: hasV3 && !hasV1 ? 'projectcalico.org/v3' : 'crd.projectcalico.org/v1',
    certain: hasV1 || hasV3,
  };
}

function groupVersions(groups: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  if (!Array.isArray(groups)) return found;
  for (const group of groups) {
    const versions: unknown = group?.versions;
    if (!Array.isArray(versions)) continue;
    for (const version of versions) {
      const name: unknown = version?.groupVersion;
      if (typeof name === 'string') found.add(name);
    }
  }
  return found;
}
