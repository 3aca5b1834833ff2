/** Asks an https endpoint, below gRPC, whether TLS itself is the trouble. */
import { connect } from 'node:tls';
import { messageOf } from '../model/errors.ts';
import type { EtcdSettings } from './etcd-settings.ts';

const PROBE_MS = 2_000;
/** Failures of the connection underneath: they say nothing about certificates. */
const NOT_TLS = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * Completes a TLS handshake the way gRPC would, up to the server's first bytes: with TLS 1.3 a server refuses the
 * client's certificate only after the client thinks it is done.
 * @returns why TLS fails, or undefined where it does not or nobody is there to say
 */
export function tlsTrouble(endpoint: string, tls: EtcdSettings['tls']): Promise<string | undefined> {
  const { hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    let handshakeDone = false;
    const done = (trouble: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(trouble);
    };
    const timer = setTimeout(() => done(undefined), PROBE_MS);
    const socket = connect({
      ...tls,
      host,
      port: Number(port),
      ALPNProtocols: ['h2'],
      servername: serverName(host),
    });
    socket.once('secureConnect', () => {
      handshakeDone = true;
    });
    socket.once('data', () => done(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (NOT_TLS.has(error.code ?? '')) done(undefined);
      else if (error.code === 'ECONNRESET' && !handshakeDone) done(undefined);
      else done(tlsWords(messageOf(error)));
    });
    socket.once('close', () =>
      done(handshakeDone ? 'the server ended the session after seeing our certificate' : undefined),
    );
  });
}

/**
 * A TLS failure for people. OpenSSL's messages carry source files and line numbers around the one part that says
 * something, and Node adds advice on its own flags. Where the server refused us it gives an alert (RFC 8446 section 6.2).
 */
export function tlsWords(message: string): string {
  if (
    /alert (bad certificate|certificate required|unknown ca|certificate unknown|handshake failure)/.test(
      message,
    )
  ) {
    return 'the server wants a client certificate that it trusts';
  }
  const own = message.replace(/; if the root CA is installed locally, .*$/, '').trim();
  const parts = own.split(':').filter((part) => part.trim() !== '');
  const reason = parts.length > 4 ? parts.slice(5).find((part) => !part.startsWith('..')) : undefined;
  return (reason ?? own).trim();
}

/** Server names are names: an address must not be sent as one (RFC 6066 section 3). */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}
