/**
 * A Role by `resourceNames` for the Secrets that BGPPeers, BGPConfigurations and RouteReflectors name: kubectl and our
 * RBAC manifest cannot know them beforehand, and a Role without names would open every Secret of the namespace.
 */
import { stringify } from 'yaml';
import { CalicoRrError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, Resource } from '../model/resource.ts';
import { readListing, type SourceFlags } from './speaker-source.ts';

const NAME = 'calico-rr-secrets';
const RBAC = 'rbac.authorization.k8s.io';

export interface SecretsRoleFlags extends SourceFlags {
  readonly secretsNamespace?: string;
  /** `NAMESPACE:NAME`. */
  readonly serviceAccount: string;
}

/**
 * @returns the manifest, empty where no Secret is named, and then a note that says so
 * @throws E_SETTING; what reading the resources throws
 */
export async function secretsRole(
  flags: SecretsRoleFlags,
): Promise<{ readonly text: string; readonly note: string | null }> {
  const account = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?):([a-z0-9]([-a-z0-9.]*[a-z0-9])?)$/.exec(
    flags.serviceAccount,
  );
  if (account === null) {
    throw new CalicoRrError(
      'E_SETTING',
      `--service-account is "${flags.serviceAccount}", not NAMESPACE:NAME`,
      {
        hint: 'Such as calico-system:calico-rr.',
      },
    );
  }
  const [, home = '', , name = ''] = account;
  const namespace = flags.secretsNamespace ?? home;
  const { resources } = await readListing(flags);
  const secrets = [...new Set(resources.flatMap(secretsNamedBy))].sort();
  if (secrets.length === 0) {
    return {
      text: '',
      note: 'No BGPPeer, BGPConfiguration or RouteReflector names a Secret: no Role is needed.',
    };
  }
  const metadata = { name: NAME, namespace };
  const role = {
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata,
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: secrets, verbs: ['list', 'watch'] }],
  };
  const binding = {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: RBAC, kind: 'Role', name: NAME },
    subjects: [{ kind: 'ServiceAccount', name, namespace: home }],
  };
  return { text: `${stringify(role)}---\n${stringify(binding)}`, note: null };
}

/** Names of Secrets, whether or not the resource is otherwise fit. */
function secretsNamedBy({ kind, spec }: Resource): readonly string[] {
  switch (kind) {
    case 'BGPPeer':
      return secretOf(spec.password);
    case 'BGPConfiguration':
      return secretOf(spec.nodeMeshPassword);
    case 'RouteReflector':
      return (Array.isArray(spec.peers) ? spec.peers : []).flatMap((peer: Json) => {
        const reference = isJsonObject(peer) ? peer.passwordRef : undefined;
        const secret = typeof reference === 'string' ? /^([^/]+)\/./.exec(reference)?.[1] : undefined;
        return secret === undefined ? [] : [secret];
      });
    default:
      return [];
  }
}

function secretOf(password: Json | undefined): readonly string[] {
  const reference = isJsonObject(password) ? password.secretKeyRef : undefined;
  const name = isJsonObject(reference) ? reference.name : undefined;
  return typeof name === 'string' && name !== '' ? [name] : [];
}
