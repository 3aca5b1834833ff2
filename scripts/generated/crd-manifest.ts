/** The CustomResourceDefinitions of our own kinds. */
import { stringify } from 'yaml';
import type { JsonObject } from '../../src/model/resource.ts';
import { openApiOf } from '../../src/model/schema/openapi.ts';
import { SCHEMAS } from '../../src/model/schema/schemas.ts';

const HEAD = `# The kinds of calico-rr on Kubernetes. Both are cluster-scoped.
# Made by "npm run generate" from src/model/schema; do not edit.
#
# A cluster without them works: a single reflector needs none, and a missing kind counts as an empty list.
#
#   kubectl apply -f crd.yaml
`;

interface Definition {
  readonly kind: 'RouteReflector' | 'RouteReflectorStatus';
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly statusSubresource: boolean;
  readonly columns: readonly (readonly [name: string, type: string, jsonPath: string])[];
  readonly comment: string;
}

const DEFINITIONS: readonly Definition[] = [
  {
    kind: 'RouteReflector',
    plural: 'routereflectors',
    shortNames: ['rr', 'rrs'],
    // Nothing writes it yet: reflectors report in RouteReflectorStatus. It is there from the start because adding a
    // status subresource later changes what an update means.
    statusSubresource: true,
    columns: [
      ['IPv4', 'string', '.spec.ipv4'],
      ['IPv6', 'string', '.spec.ipv6'],
      ['Cluster-ID', 'string', '.spec.clusterID'],
      ['Group', 'string', '.spec.group'],
      ['Age', 'date', '.metadata.creationTimestamp'],
    ],
    comment: `# A route reflector that is no node of the cluster. (A node is made a reflector with
# "calicoctl patch node", or with the annotation projectcalico.org/RouteReflectorClusterID.)
`,
  },
  {
    kind: 'RouteReflectorStatus',
    plural: 'routereflectorstatuses',
    shortNames: ['rrstatus'],
    statusSubresource: false,
    columns: [
      ['State', 'string', '.spec.state'],
      ['Established', 'integer', '.spec.established'],
      ['Configured', 'integer', '.spec.configured'],
      ['Held', 'integer', '.spec.held'],
      ['Updated', 'date', '.spec.updated'],
    ],
    comment: `# What a running reflector reports of itself: one object for each, written by it alone. A kind of its own because
# reflectors that are nodes, and the single instance without any entry, report too.
`,
  },
];

/** What deploy/kubernetes/crd.yaml holds. */
export function crdManifest(): string {
  const documents = DEFINITIONS.map(
    (definition) => `---\n${definition.comment}${stringify(definitionOf(definition), { lineWidth: 100 })}`,
  );
  return `${HEAD}${documents.join('')}`;
}

function definitionOf({ kind, plural, shortNames, statusSubresource, columns }: Definition): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.calico-rr.io` },
    spec: {
      group: 'calico-rr.io',
      scope: 'Cluster',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames,
        categories: ['calico'],
      },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          ...(statusSubresource ? { subresources: { status: {} } } : {}),
          additionalPrinterColumns: columns.map(([name, type, jsonPath]) => ({ name, type, jsonPath })),
          schema: { openAPIV3Schema: openApiOf(SCHEMAS[kind]) },
        },
      ],
    },
  };
}
