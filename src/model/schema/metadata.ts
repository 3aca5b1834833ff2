/** What may stand in a resource beside spec and status. Kubernetes' own fields are taken: what a dump holds is no error. */
import { accepted, anything, type Fields, honoured, text } from './shape.ts';

export const METADATA: Fields = {
  name: honoured('v3.0', text, 'Lower-case letters, digits, "-" and ".".', { required: true }),
  labels: honoured(
    'v3.0',
    { type: 'texts' },
    'What selectors ask for. Numbers and truth values count as text.',
  ),
  annotations: accepted('v3.0', { type: 'texts' }, 'Notes of programs and people.'),
  resourceVersion: honoured('v3.0', text, 'The version that a change is made on; another one is a conflict.'),
  uid: accepted('v3.0', text, 'Identity of the resource, given when it is created.'),
  creationTimestamp: accepted('v3.0', text, 'When it was created.'),
  namespace: accepted('v3.0', text, 'Without meaning: all kinds here are of the whole cluster.'),
  generateName: accepted('v3.0', text, 'Not supported.'),
  generation: accepted('v3.0', anything, 'Of Kubernetes.'),
  deletionTimestamp: accepted('v3.0', anything, 'Of Kubernetes.'),
  deletionGracePeriodSeconds: accepted('v3.0', anything, 'Of Kubernetes.'),
  ownerReferences: accepted('v3.0', anything, 'Of Kubernetes.'),
  finalizers: accepted('v3.0', anything, 'Of Kubernetes.'),
  managedFields: accepted('v3.0', anything, 'Of Kubernetes.'),
  selfLink: accepted('v3.0', text, 'Of Kubernetes.'),
  clusterName: accepted('v3.0', text, 'Of Kubernetes.'),
};
