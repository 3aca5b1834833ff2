/** Where session passwords are read from: the secrets file, and on Kubernetes its Secrets after that. */
import { openKeptPasswords } from '../agent/kept-passwords.ts';
import { oneBeforeTheOther, type SecretSource } from '../agent/secret-source.ts';
import type { DatastoreSettings } from '../datastore/settings.ts';

/** What a running agent gives besides; a verb that only looks keeps nothing. */
export interface SecretKeeping {
  readonly stateDir: string;
  readonly keepFailed: (error: unknown) => void;
}

/**
 * @param file the secrets file, opened; what it has counts
 * @param secretsNamespace of Kubernetes; null: as the environment says
 * @throws E_SETTING
 */
export async function openSecretSources(
  datastore: DatastoreSettings,
  file: SecretSource,
  secretsNamespace: string | null,
  keeping: SecretKeeping | null,
): Promise<SecretSource> {
  if (datastore.type !== 'kubernetes') return file;
  const { openKubernetesSecrets } = await import('../agent/kubernetes-secrets.ts');
  const { readKubernetesSettings, readSecretsNamespace } = await import(
    '../datastore/kubernetes/environment.ts'
  );
  const { watchSecrets } = await import('../datastore/kubernetes/secret-watch.ts');
  const { environment, kubeconfig, context } = datastore;
  const settings = readKubernetesSettings(environment, { kubeconfig, context });
  const namespace = readSecretsNamespace(environment, secretsNamespace);
  const secrets = openKubernetesSecrets({
    watch: (changed) => watchSecrets(settings, namespace, changed),
    kept: keeping === null ? null : openKeptPasswords(keeping.stateDir),
    keepFailed: keeping?.keepFailed ?? (() => {}),
  });
  return oneBeforeTheOther(file, secrets);
}
