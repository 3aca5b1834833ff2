/** Every file that follows from the schemas, and what it has to say. */
import type { Kind } from '../../src/model/resource.ts';
import { referencePage } from '../../src/model/schema/reference-page.ts';
import { crdManifest } from './crd-manifest.ts';

/** Kinds that people write or read; each has a page. */
export const DOCUMENTED: readonly Kind[] = [
  'BGPPeer',
  'BGPConfiguration',
  'Node',
  'BGPFilter',
  'IPPool',
  'CalicoNodeStatus',
  'RouteReflector',
];

/** Text by path, from the root of the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['deploy/kubernetes/crd.yaml', crdManifest()],
    ...DOCUMENTED.map((kind) => [`docs/reference/${kind.toLowerCase()}.md`, referencePage(kind)] as const),
  ]);
}
