/** What an API server puts into an object of its own kinds that does not say it. */
import { isJsonObject } from '../../../src/model/json.ts';
import type { JsonObject } from '../../../src/model/resource.ts';
import { badRequest } from './refusals.ts';
import type { Served } from './served.ts';

export function withDefaults(served: Served, object: JsonObject): JsonObject {
  switch (served.kind) {
    case 'Secret':
      return { type: 'Opaque', ...withStringData(served, object) };
    case 'Event':
      return { ...object, eventTime: null, reportingComponent: '', reportingInstance: '' };
    case 'Node':
      return nodeWithDefaults(object);
    default:
      return object;
  }
}

/**
 * A Secret's `stringData` goes into `data` with every write and is never shown.
 * @throws a 400 for data that is not base64
 */
export function withStringData(served: Served, object: JsonObject): JsonObject {
  if (served.kind !== 'Secret') return object;
  const { stringData, ...rest } = object;
  const data = isJsonObject(rest.data) ? rest.data : {};
  for (const value of Object.values(data)) {
    if (typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value) continue;
    throw badRequest(
      'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0',
    );
  }
  if (!isJsonObject(stringData)) return rest;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  return { ...rest, data: { ...data, ...Object.fromEntries(encoded) } };
}

function nodeWithDefaults(object: JsonObject): JsonObject {
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const status = isJsonObject(object.status) ? object.status : {};
  const info = [
    ...['machineID', 'systemUUID', 'bootID', 'kernelVersion', 'osImage', 'containerRuntimeVersion'],
    ...['kubeletVersion', 'kubeProxyVersion', 'operatingSystem', 'architecture'],
  ];
  return {
    ...object,
    spec: {
      ...spec,
      ...(spec.taints === undefined
        ? { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }
        : {}),
    },
    status: {
      ...status,
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: Object.fromEntries(info.map((field) => [field, ''])),
    },
  };
}
