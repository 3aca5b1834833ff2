/** The documents in which an API server says what it serves. */
import type { JsonObject } from '../../../src/model/resource.ts';
import { apiVersionOf, type Served } from './served.ts';

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** @returns undefined where the path is no discovery document */
export function discoveryDocument(path: string, served: readonly Served[]): JsonObject | undefined {
  if (path === '/version')
    return { major: '1', minor: '26', gitVersion: 'v1.26.0-stand-in', platform: 'node' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') {
    const groups = [...new Set(served.map((one) => one.group))].filter((group) => group !== '');
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.map((name) => {
        const versions = [...new Set(served.filter((one) => one.group === name).map(apiVersionOf))].map(
          (groupVersion) => ({ groupVersion, version: groupVersion.split('/')[1] ?? '' }),
        );
        return { name, versions, preferredVersion: versions[0] ?? {} };
      }),
    };
  }
  const groupVersion = path.replace(/^\/apis?\//, '');
  const resources = served.filter((one) => apiVersionOf(one) === groupVersion);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: resources.flatMap((one) => {
      const entry = {
        name: one.resource,
        singularName: one.kind.toLowerCase(),
        namespaced: one.namespaced,
        kind: one.kind,
        verbs: VERBS,
      };
      const status = { ...entry, name: `${one.resource}/status`, verbs: ['get', 'patch', 'update'] };
      return one.statusSubresource ? [entry, status] : [entry];
    }),
  };
}
