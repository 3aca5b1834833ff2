/** `run --control`: opens the control socket to the network, and says where the others find it. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { ControlHandlers } from '../server/control-server.ts';
import { type KeyPair, type RemoteControl, serveRemoteControl } from '../server/remote-control.ts';
import { readToken } from './control-target.ts';
import type { ControlSettings } from './run-settings.ts';

/** @throws E_SETTING, E_SECRETS, E_FILE */
export async function openRemoteControl(
  { host, port, tokenFile, keyPair }: ControlSettings,
  handlers: ControlHandlers,
  log: Logger,
): Promise<RemoteControl> {
  const token = (): string => readToken(tokenFile, '--control-token-file');
  // A token that cannot be used now is a wrong setting; later it only keeps everybody out.
  token();
  const control = await serveRemoteControl({
    host,
    port,
    keyPair: keyPair === null ? null : () => readKeyPair(keyPair),
    token,
    handlers,
    refused: (from, reason) => log.warn({ from, reason }, 'a request at --control was refused'),
  });
  log.info({ address: control.url }, 'answering calico-rr --address');
  return control;
}

/**
 * What to tell the others, who are elsewhere: an address of the speaker where we listen on all. Null where only this
 * machine can ask.
 */
export function controlUrlFor(control: ControlSettings | null, addresses: readonly string[]): string | null {
  if (control === null || control.keyPair === null) return null;
  const { host, port } = control;
  const own = host === '0.0.0.0' || host === '::' ? addresses[0] : host;
  if (own === undefined) return null;
  return `https://${own.includes(':') ? `[${own}]` : own}:${port}`;
}

function readKeyPair({ cert, key }: KeyPair): KeyPair {
  return { cert: readText(cert), key: readText(key) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CalicoRrError('E_FILE', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Check --control-cert and --control-key.',
      cause: error,
    });
  }
}
