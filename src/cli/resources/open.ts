/**
 * The datastore of a verb: named by calicoctl's configuration file, or by the environment. The default file counts
 * when it is there; a file that is named must be. A verb waits for a person, so it does not wait for a datastore.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Datastore } from '../../datastore/datastore.ts';
import { openDatastore } from '../../datastore/open.ts';
import { type DatastoreSettings, readDatastoreSettings } from '../../datastore/settings.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure } from './failure.ts';

export const DEFAULT_CONFIG = '/etc/calico/calicoctl.cfg';
const OPEN_MS = 10_000;

/** The flags that every verb on resources takes. */
export interface DatastoreFlags {
  readonly config?: string | undefined;
  readonly etcdApi?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws CommandFailure as calicoctl fails without its file; E_SETTING; what opening throws */
export async function openForVerb(
  flags: DatastoreFlags,
  program: ProgramName,
  env: Environment = process.env,
): Promise<Datastore> {
  const settings = await settingsForVerb(flags, env);
  let waitingFor = 'it does not answer';
  const signal = AbortSignal.timeout(OPEN_MS);
  try {
    return await openDatastore(settings, {
      signal,
      without: program === 'calicoctl' ? 'etcdv3-always' : 'etcdv3',
      once: true,
      onWaiting: (reason) => {
        waitingFor = reason;
      },
      onWarning: ({ code, message, hint }) => {
        // Which keyspace holds the data is no news to whoever just asks it.
        if (code === 'datastore-guessed') return;
        process.stderr.write(`warning: ${message}${hint === undefined ? '' : ` ${hint}`}\n`);
      },
      // As kubectl shows them.
      onServerWarning: (text) => void process.stderr.write(`Warning: ${text}\n`),
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CalicoRrError('E_DATASTORE_UNREACHABLE', `no datastore could be read: ${waitingFor}`, {
      hint: 'Check DATASTORE_TYPE and ETCD_ENDPOINTS.',
      cause: error,
    });
  }
}

/**
 * Which datastore a person means: that of the configuration file, else of the environment, else of their kubeconfig.
 * @throws CommandFailure, E_SETTING
 */
export async function settingsForVerb(flags: DatastoreFlags, env: Environment): Promise<DatastoreSettings> {
  const named = flags.config !== undefined && flags.config !== DEFAULT_CONFIG;
  const file = flags.config ?? DEFAULT_CONFIG;
  if (named && !existsSync(file)) throw new CommandFailure(`Error reading config file: ${file}`);
  if (!existsSync(file)) return settingsOf(await discovered(env), flags);
  const { readCalicoctlConfig } = await import('../../datastore/calicoctl-config.ts');
  const { environment, inline } = readCalicoctlConfig(file, readText(file));
  // HOME says where a kubeconfig is, and is no setting of Calico's.
  const own = env.HOME === undefined ? environment : { HOME: env.HOME, ...environment };
  const readFile = (path: string): Buffer => inline.get(path) ?? readFileSync(path);
  return settingsOf(await discovered(own), flags, readFile);
}

function settingsOf(
  env: Environment,
  flags: DatastoreFlags,
  readFile?: (path: string) => Buffer,
): DatastoreSettings {
  const nothingNamed = [
    'DATASTORE_TYPE',
    'ETCD_ENDPOINTS',
    'ETCD_AUTHORITY',
    'KUBECONFIG',
    'K8S_API_ENDPOINT',
  ].every((name) => !env[name] && !env[`CALICO_${name}`]);
  // As calicoctl and kubectl: the kubeconfig of whoever types the command.
  const own =
    nothingNamed && !env.CALICO_RR_FILE && flags.etcdApi === undefined && hasKubeconfig(env)
      ? { ...env, DATASTORE_TYPE: 'kubernetes' }
      : env;
  const { etcdApi, kubeconfig, context } = flags;
  return readDatastoreSettings(own, { etcdApi, kubeconfig, context }, readFile);
}

function hasKubeconfig(env: Environment): boolean {
  return env.HOME !== undefined && existsSync(join(env.HOME, '.kube', 'config'));
}

async function discovered(env: Environment): Promise<Environment> {
  const domain = env.CALICO_ETCD_DISCOVERY_SRV || env.ETCD_DISCOVERY_SRV;
  if (!domain) return env;
  if (env.ETCD_ENDPOINTS || env.CALICO_ETCD_ENDPOINTS)
    throw new CalicoRrError('E_SETTING', 'ETCD_DISCOVERY_SRV and ETCD_ENDPOINTS are both set.', {
      hint: 'Keep one of them.',
    });
  const { discoverEtcd } = await import('../../datastore/etcd-discovery.ts');
  return { ...env, ETCD_ENDPOINTS: await discoverEtcd(domain) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CommandFailure(`Error reading config file: ${file}`);
  }
}
