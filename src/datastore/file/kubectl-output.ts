/**
 * What `kubectl get -o yaml` prints of a cluster, as resources of Calico: core Nodes, whose annotations and labels are
 * Calico's Nodes, and objects of `crd.projectcalico.org/v1`, whose metadata may stand in an annotation. So a cluster can
 * be looked at from files.
 */

import {
  CALICO_API_VERSION,
  type JsonObject,
  KINDS,
  type Kind,
  type Resource,
} from '../../model/resource.ts';
import { annotationsOfFields, decodeNode } from '../kubernetes/calico-node.ts';
import { decodeResource } from '../kubernetes/custom-resource.ts';
import type { Fault } from '../resource-json.ts';

const CRD_VERSION = 'crd.projectcalico.org/v1';

export type KubectlObject =
  | {
      readonly ok: true;
      readonly resource: Resource;
      /** Where a field of the resource stands in the object, for those that moved. */
      readonly origins: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly kind: Kind; readonly name: string; readonly fault: Fault };

/** @returns undefined for a document that is none of these; it is then read as what it says */
export function readKubectlObject(document: JsonObject): KubectlObject | undefined {
  const { apiVersion, kind } = document;
  if (apiVersion === 'v1' && kind === 'Node') {
    const meaning = decodeNode(document);
    if (meaning.op === 'put') return { ok: true, resource: meaning.resource, origins: annotationsOfFields() };
    const { name, problem } = meaning.broken;
    return { ok: false, kind: 'Node', name, fault: problem };
  }
  if (apiVersion !== CRD_VERSION || typeof kind !== 'string' || !isCustomKind(kind)) return undefined;
  const meaning = decodeResource(kind, document, true);
  if (meaning.op === 'put') return { ok: true, resource: meaning.resource, origins: new Map() };
  return { ok: false, kind, name: meaning.broken.name, fault: meaning.broken.problem };
}

/** Kinds of Calico that have a custom resource; a Node has none. */
function isCustomKind(kind: string): kind is Kind {
  return (
    kind !== 'Node' &&
    Object.entries(KINDS).some(([one, version]) => one === kind && version === CALICO_API_VERSION)
  );
}
