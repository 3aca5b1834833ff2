/** A server's certificate and key in files that are replaced while it runs, as cert-manager and kubelets do. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { CalicoRrError, messageOf } from '../model/errors.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Two files are not replaced in one moment; a pair that does not fit is looked at again after this. */
const POLL_MS = 1000;

/** @throws E_SETTING where a file cannot be read, is none, or the two do not belong together */
export function readTlsPair(files: TlsFiles): TlsPair {
  const pair = { cert: readPem('--tls-cert', files.cert), key: readPem('--tls-key', files.key) };
  let fits: boolean;
  try {
    fits = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
    if (fits) createSecureContext(pair);
  } catch (error) {
    throw new CalicoRrError(
      'E_SETTING',
      `${files.cert} and ${files.key} hold no PEM certificate and key (${messageOf(error)})`,
      { hint: 'Give --tls-cert and --tls-key of the Secret, tls.crt and tls.key.', cause: error },
    );
  }
  if (fits) return pair;
  throw new CalicoRrError(
    'E_SETTING',
    `the key ${files.key} does not belong to the certificate ${files.cert}`,
    {
      hint: 'Give the pair that was made together.',
    },
  );
}

/**
 * Calls `replaced` with each new pair that fits, and `failed` where what stands there cannot be used; the old one goes
 * on then. Polled, because a mounted Secret turns by a symbolic link. Returns what ends that.
 */
export function watchTlsPair(
  files: TlsFiles,
  replaced: (pair: TlsPair) => void,
  failed: (error: unknown) => void,
): () => void {
  const look = () => {
    try {
      replaced(readTlsPair(files));
    } catch (error) {
      failed(error);
    }
  };
  for (const path of [files.cert, files.key]) watchFile(path, { interval: POLL_MS, persistent: false }, look);
  return () => {
    for (const path of [files.cert, files.key]) unwatchFile(path, look);
  };
}

function readPem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CalicoRrError('E_SETTING', `${flag}: ${path} cannot be read (${messageOf(error)})`, {
      hint: 'Check the path, and its owner and mode.',
      cause: error,
    });
  }
}
