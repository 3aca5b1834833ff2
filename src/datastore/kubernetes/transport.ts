/**
 * The way to the API server: TLS with what the settings name, through a proxy where one is set. Certificates rotate
 * like tokens do, so the way is built anew when their text has changed; what still runs on the old one ends by itself.
 */
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { CalicoRrError } from '../../model/errors.ts';
import { type Proof, readPem } from './credentials.ts';
import { proxyFromEnvironment } from './environment-proxy.ts';
import type { KubernetesSettings } from './settings.ts';

/** A connection on which nothing moves is probed by TCP after that: balancers forget quiet connections. */
const TCP_PROBE_MS = 30_000;
const CONNECT_MS = 10_000;
/** The server closes idle connections too; one that it closed while we send would be an error for nothing. */
const IDLE_MS = 20_000;

export interface Transport {
  /** For a request that proves who we are with `proof`. */
  dispatcher(proof: Proof): Promise<Dispatcher>;
  /** Forgets files read before; the next request reads them anew. */
  refresh(): void;
  close(): Promise<void>;
}

export function createTransport(settings: KubernetesSettings): Transport {
  let built: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;
  let authority: Promise<string | undefined> | undefined;
  let closed = false;
  const leaving = new Set<Promise<void>>();

  return {
    async dispatcher(proof) {
      authority ??= settings.ca === undefined ? Promise.resolve(undefined) : readPem(settings.ca);
      const pending = authority;
      const ca = await pending.catch((error: unknown) => {
        if (authority === pending) authority = undefined;
        throw error;
      });
      if (closed) throw new CalicoRrError('E_DATASTORE_UNREACHABLE', 'the datastore is closed');
      const key = JSON.stringify([ca, proof.cert, proof.key]);
      if (built?.key !== key) {
        if (built !== undefined) leave(built.dispatcher.close(), leaving);
        built = { key, dispatcher: build(settings, ca, proof) };
      }
      return built.dispatcher;
    },
    refresh() {
      authority = undefined;
    },
    async close() {
      closed = true;
      await built?.dispatcher.destroy();
      await Promise.all(leaving);
    },
  };
}

function leave(going: Promise<void>, leaving: Set<Promise<void>>): void {
  const gone = going.finally(() => leaving.delete(gone));
  leaving.add(gone);
}

function build(settings: KubernetesSettings, ca: string | undefined, proof: Proof): Dispatcher {
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(proof.cert === undefined || proof.key === undefined ? {} : { cert: proof.cert, key: proof.key }),
    ...(settings.serverName === undefined ? {} : { servername: settings.serverName }),
    ...(settings.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
  };
  const connect = {
    ...tls,
    timeout: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_PROBE_MS,
  };
  const common = { connect, keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS };
  const proxyUrl = settings.proxyUrl ?? proxyFromEnvironment(settings.server, process.env);
  if (proxyUrl === undefined) return new Agent(common);
  if (/^https?:/.test(proxyUrl)) return new ProxyAgent({ ...common, uri: proxyUrl, requestTls: connect });
  throw new CalicoRrError(
    'E_SETTING',
    `${settings.proxyUrl === undefined ? 'the environment' : settings.origin} names the proxy ${withoutSecret(proxyUrl)}, which calico-rr cannot use`,
    {
      hint: 'A proxy begins with http:// or https://; a SOCKS proxy cannot be used.',
    },
  );
}

function withoutSecret(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@');
}
