/** `calico-rr admission` beside the stand-in API server, configured there as deploy/kubernetes/admission.yaml says. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { isJsonObject } from '../../src/model/json.ts';
import type { Json, JsonObject } from '../../src/model/resource.ts';
import type { Administrator } from '../contract/kubernetes-home.ts';
import type { CertificateFiles } from './certificates.ts';
import { PROGRAM } from './local-agent.ts';
import { type RunningProcess, start } from './processes.ts';
import { until } from './until.ts';

export const ADMISSION_MANIFEST = readFileSync(
  new URL('../../deploy/kubernetes/admission.yaml', import.meta.url),
  'utf8',
);

export const WEBHOOK_CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const STARTED_MS = 60_000;

/** The Service of the manifest. */
export const SERVICE = 'calico-system/calico-rr-admission';

/**
 * Starts it and waits until it knows the cluster.
 * @param launch starts a program; on another host than this, where the laboratory has one
 */
export async function startAdmission(
  apiServer: string,
  port: number,
  files: CertificateFiles,
  args: readonly string[] = [],
  launch: typeof start = start,
): Promise<RunningProcess> {
  const process = await launch(
    PROGRAM,
    [
      ...['admission', '--listen', `127.0.0.1:${port}`, '--tls-cert', files.cert, '--tls-key', files.key],
      ...args,
    ],
    { env: { DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: apiServer } },
  );
  await until(
    () => {
      if (!process.running) throw new Error(`the webhook ended:\n${process.output()}`);
      return process.output().includes('ready to judge changes');
    },
    () => `the webhook to be ready: ${process.output()}`,
    STARTED_MS,
  );
  return process;
}

/** The manifest's configuration, with this authority and what is given besides. */
export async function configureWebhook(
  admin: Administrator,
  caFile: string,
  more: JsonObject = {},
): Promise<void> {
  const [configuration] = parseAllDocuments(ADMISSION_MANIFEST)
    .map((document): Json => document.toJS())
    .filter((document) => isJsonObject(document) && document.kind === 'ValidatingWebhookConfiguration');
  if (!isJsonObject(configuration) || !Array.isArray(configuration.webhooks)) {
    throw new Error('admission.yaml configures no webhook');
  }
  const caBundle = readFileSync(caFile).toString('base64');
  const webhooks = configuration.webhooks.map((hook) => {
    const client = isJsonObject(hook) && isJsonObject(hook.clientConfig) ? hook.clientConfig : {};
    return { ...(isJsonObject(hook) ? hook : {}), clientConfig: { ...client, caBundle }, ...more };
  });
  const made = await admin('POST', WEBHOOK_CONFIGURATIONS, { ...configuration, webhooks });
  if (made.code !== 201) throw new Error(`the webhook could not be configured: ${JSON.stringify(made)}`);
}
