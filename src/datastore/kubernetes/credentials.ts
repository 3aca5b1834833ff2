/**
 * Who we are to the API server, now: a token that may rotate in its file, a plugin's token that may expire, client
 * certificates. Asked before each request; cheap while nothing is due.
 */
import { readFile } from 'node:fs/promises';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import { type ExecCredential, runExecPlugin } from './exec-plugin.ts';
import type { KubernetesSettings, Pem } from './settings.ts';

/** Kubelets rotate tokens long before they expire; client-go reads the file once a minute too. */
const FRESH_MS = 60_000;
/** A plugin's credential is renewed this long before it expires: clocks differ. */
const EARLY_MS = 10_000;

export interface Proof {
  /** The Authorization header; absent where a certificate, or nothing, speaks for us. */
  readonly authorization?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Credentials {
  /** @throws E_DATASTORE_AUTH where they cannot be had; never with a secret in its text */
  current(): Promise<Proof>;
  /**
   * The server refused them.
   * @returns whether asking again may give others
   */
  refused(): boolean;
}

/** @param ca the authority's PEM text, for plugins that ask to be told of the cluster */
export function createCredentials(
  settings: KubernetesSettings,
  ca: () => Promise<string | undefined>,
  now: () => number = Date.now,
): Credentials {
  const { identity, clientCertificate } = settings;
  let kept: { readonly proof: Promise<Proof>; until: number } | undefined;

  const certificate = async (): Promise<Proof> =>
    clientCertificate === undefined
      ? {}
      : { cert: await readPem(clientCertificate.cert), key: await readPem(clientCertificate.key) };

  const obtain = async (keepUntil: (time: number) => void): Promise<Proof> => {
    const proof = await certificate();
    switch (identity.by) {
      case 'nothing':
        return proof;
      case 'token':
        return { ...proof, authorization: `Bearer ${identity.token}` };
      case 'password': {
        const pair = Buffer.from(`${identity.username}:${identity.password}`).toString('base64');
        return { ...proof, authorization: `Basic ${pair}` };
      }
      case 'token-file':
        return { ...proof, authorization: `Bearer ${await readToken(identity.file)}` };
      case 'exec': {
        const authority = await ca();
        const credential: ExecCredential = await runExecPlugin(identity.plugin, {
          server: settings.server,
          insecureSkipTlsVerify: settings.insecureSkipTlsVerify,
          ...(authority === undefined ? {} : { ca: authority }),
          ...(settings.serverName === undefined ? {} : { serverName: settings.serverName }),
        });
        keepUntil((credential.expires ?? Number.POSITIVE_INFINITY) - EARLY_MS);
        const { cert, key, token } = credential;
        return {
          ...proof,
          ...(cert === undefined || key === undefined ? {} : { cert, key }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        };
      }
      default:
        return identity satisfies never;
    }
  };

  return {
    async current() {
      if (kept === undefined || now() >= kept.until) {
        const fresh = { proof: Promise.resolve<Proof>({}), until: now() + FRESH_MS };
        fresh.proof = obtain((time) => {
          fresh.until = time;
        });
        kept = fresh;
        fresh.proof.catch(() => {
          if (kept === fresh) kept = undefined;
        });
      }
      return kept.proof;
    },
    refused() {
      kept = undefined;
      return identity.by === 'token-file' || identity.by === 'exec' || clientCertificate !== undefined;
    },
  };
}

/** @throws E_SETTING naming the file */
export async function readPem(pem: Pem): Promise<string> {
  if ('text' in pem) return pem.text;
  try {
    return await readFile(pem.file, 'utf8');
  } catch (error) {
    throw new CalicoRrError('E_DATASTORE_TLS', `${pem.file} cannot be read: ${messageOf(error)}`, {
      hint: 'Let the user that runs calico-rr read it, or correct the path in the kubeconfig.',
    });
  }
}

async function readToken(file: string): Promise<string> {
  try {
    const token = (await readFile(file, 'utf8')).trim();
    if (token !== '') return token;
  } catch (error) {
    throw new CalicoRrError(
      'E_DATASTORE_AUTH',
      `The token file ${file} cannot be read: ${messageOf(error)}`,
      {
        hint: 'Let the user that runs calico-rr read it.',
      },
    );
  }
  throw new CalicoRrError('E_DATASTORE_AUTH', `The token file ${file} is empty`, {
    hint: 'Whatever rotates it did not write it.',
  });
}
