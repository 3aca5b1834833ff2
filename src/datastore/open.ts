/**
 * Opens the datastore that the settings name. Where they leave open which API of etcd holds Calico's data, both
 * keyspaces are looked at: etcd 3.4 serves both, and the old keys often stay behind after an upgrade, so data in
 * both is nobody's guess to make.
 */
import { CalicoRrError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { Datastore } from './datastore.ts';
import type { EtcdSettings } from './etcd-settings.ts';
import { pause } from './retry-pause.ts';
import type { DatastoreSettings } from './settings.ts';

export { type DatastoreSettings, readDatastoreSettings } from './settings.ts';

export interface OpenOptions {
  /** Why there is no datastore yet; told again when the reason changes. */
  readonly onWaiting: (reason: string) => void;
  /** Something to tell that takes nothing away. */
  readonly onWarning: (problem: Problem) => void;
  /** What an API server says besides its answer to a write, for whoever wrote. */
  readonly onServerWarning?: (text: string) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /**
   * What to take where it cannot be found out which API of etcd holds the data. Absent: nothing; an agent waits for
   * data, and data in both is an error. `etcdv3`: of an empty etcd. `etcdv3-always`: of data in both, too, as
   * calicoctl does.
   */
  readonly without?: 'etcdv3' | 'etcdv3-always';
  /** True for who asks once, and quickly: of what stands in the keyspace that is not read, nothing is told. */
  readonly once?: boolean;
}

/** How often both keyspaces are looked at while neither holds anything. */
const LOOK_MS = 2_000;

/** What is asked of one keyspace; the two etcd homes give it. */
export interface Keyspaces {
  hasV2(settings: EtcdSettings): Promise<boolean>;
  hasV3(settings: EtcdSettings): Promise<boolean>;
}

/**
 * A server that is away is no error where the API is known: the datastore opens and its watch waits. Where it is
 * not known, this waits until one keyspace holds data.
 * @throws E_SETTING where a kubeconfig is wrong; E_DATASTORE_AMBIGUOUS where both hold Calico's data; E_DATASTORE_AUTH, E_DATASTORE_TLS while looking; the
 * signal's reason when it aborts the waiting
 */
export async function openDatastore(settings: DatastoreSettings, options: OpenOptions): Promise<Datastore> {
  switch (settings.type) {
    case 'file': {
      const { openFile } = await import('./file/file.ts');
      return openFile(settings.path);
    }
    case 'kubernetes': {
      const { readKubernetesSettings } = await import('./kubernetes/environment.ts');
      const { openKubernetes, warningsOf } = await import('./kubernetes/kubernetes.ts');
      const { environment, ...flags } = settings;
      const kubernetes = readKubernetesSettings(environment, flags);
      for (const warning of warningsOf(kubernetes)) options.onWarning(warning);
      return openKubernetes(kubernetes, options.onServerWarning);
    }
    case 'etcdv2':
      return openV2(settings.etcd);
    case 'etcdv3':
      return openV3(settings.etcd, options);
    case 'undecided': {
      const { hasCalicoDataV2 } = await import('./etcd-v2/etcd-v2.ts');
      const { hasCalicoDataV3 } = await import('./etcd-v3/etcd-v3.ts');
      const found = await findData(
        settings.etcd,
        { hasV2: hasCalicoDataV2, hasV3: hasCalicoDataV3 },
        options,
      );
      options.onWarning({
        code: 'datastore-guessed',
        severity: 'warning',
        subject: 'DATASTORE_TYPE',
        message: `DATASTORE_TYPE is not set; Calico's data is in the ${found === 'etcdv2' ? 'v2' : 'v3'} keyspace only, so ${found} is used.`,
        hint: `Set DATASTORE_TYPE=${found}, so that keys that appear in the other one stop nothing.`,
      });
      return found === 'etcdv2' ? openV2(settings.etcd) : openV3(settings.etcd, options);
    }
    default:
      return settings satisfies never;
  }
}

async function openV2(etcd: EtcdSettings): Promise<Datastore> {
  const { openEtcdV2 } = await import('./etcd-v2/etcd-v2.ts');
  return openEtcdV2(etcd);
}

async function openV3(etcd: EtcdSettings, options: OpenOptions): Promise<Datastore> {
  const { openEtcdV3 } = await import('./etcd-v3/etcd-v3.ts');
  if (options.once === true) return openEtcdV3(etcd, { once: true });
  const { reflectorKeysInV2 } = await import('./etcd-v2/etcd-v2.ts');
  // An etcd that serves no v2 API, or is away, has nothing to warn about.
  const stale = await reflectorKeysInV2(etcd).catch(() => []);
  if (stale.length > 0)
    options.onWarning({
      code: 'stale-entry',
      severity: 'warning',
      subject: stale[0] ?? '',
      message: `The v2 keyspace holds reflector entries (${stale.join(', ')}) that are not read: the datastore is etcdv3.`,
      hint: 'Write them to the same keys with the v3 API (etcdctl put), and delete the old ones.',
    });
  return openEtcdV3(etcd);
}

/** Which keyspace holds Calico's data, waited for. Exported for its test. */
export async function findData(
  etcd: EtcdSettings,
  keyspaces: Keyspaces,
  { onWaiting, signal, without }: Pick<OpenOptions, 'onWaiting' | 'signal' | 'without'>,
  lookMs: number = LOOK_MS,
): Promise<'etcdv2' | 'etcdv3'> {
  const where = etcd.endpoints.join(',');
  let told: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    let reason = `neither keyspace of etcd at ${where} holds data of Calico's yet`;
    try {
      const [v2, v3] = await Promise.all([keyspaces.hasV2(etcd), keyspaces.hasV3(etcd)]);
      if (v2 && v3 && without === 'etcdv3-always') return 'etcdv3';
      if (v2 && v3)
        throw new CalicoRrError(
          'E_DATASTORE_AMBIGUOUS',
          `Both the v2 and the v3 keyspace of etcd at ${where} hold Calico's data, and DATASTORE_TYPE is not set.`,
          {
            hint: 'Set DATASTORE_TYPE (or --etcd-api) to the one that Calico uses: etcdv3 since Calico 3.0, etcdv2 before.',
          },
        );
      if (v2) return 'etcdv2';
      if (v3 || without !== undefined) return 'etcdv3';
    } catch (error) {
      if (!(error instanceof CalicoRrError) || error.code !== 'E_DATASTORE_UNREACHABLE') throw error;
      reason = error.message;
    }
    if (reason !== told) onWaiting(reason);
    told = reason;
    await pause(lookMs, signal);
  }
}
