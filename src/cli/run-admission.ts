/** Puts the rooms together for `calico-rr admission`, and sees to signals and to the end. */
import { createAdmission } from '../admission/admission.ts';
import { openDatastore, readDatastoreSettings } from '../datastore/open.ts';
import { CalicoRrError } from '../model/errors.ts';
import { serveAdmission } from '../server/admission-server.ts';
import type { AdmissionFlags } from './admission.ts';
import { createLog } from './log.ts';
import { readCalicoVersion, readEndpoint, readLogLevel, readWhole } from './run-settings.ts';
import { programVersion } from './version.ts';

/** @throws what is wrong with a setting, or what ends it */
export async function runAdmission(env: NodeJS.ProcessEnv, flags: AdmissionFlags): Promise<void> {
  const { host, port } = readEndpoint('--listen', flags.listen);
  const minReflectors = readWhole('--min-reflectors', flags.minReflectors, 2, [0, 100]);
  const calicoVersion = readCalicoVersion(env, flags.calicoVersion);
  const datastoreSettings = readDatastoreSettings(env, flags);
  if (datastoreSettings.type !== 'kubernetes') {
    throw new CalicoRrError(
      'E_SETTING',
      `the datastore is ${datastoreSettings.type}, and only a Kubernetes API server asks before it stores`,
      {
        hint: 'Set DATASTORE_TYPE=kubernetes. With etcd or files, the guard of each reflector is what protects.',
      },
    );
  }
  const log = await createLog(readLogLevel(flags.logLevel), 'admission');
  const admission = createAdmission({
    openDatastore: (callbacks) => openDatastore(datastoreSettings, callbacks),
    minReflectors,
    ...(calicoVersion === null ? {} : { calicoVersion }),
    log,
  });
  const listening = await serveAdmission(
    host,
    port,
    { cert: flags.tlsCert, key: flags.tlsKey },
    {
      review: admission.review,
      readiness: admission.readiness,
      certificate(fault) {
        if (fault === null) log.info('the certificate was replaced');
        else log.error({ reason: fault }, 'the new certificate cannot be used; the old one is served on');
      },
    },
  );
  log.info(
    { address: listening.address, version: programVersion(), pid: process.pid },
    'serving the admission webhook',
  );
  const stop = (): void => void admission.stop();
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    await admission.run();
  } finally {
    await listening.close();
  }
  log.info('calico-rr admission ends');
}
