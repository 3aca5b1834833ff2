/**
 * Where the agent is that a verb asks. A token goes over TLS or stays on this machine: it is never shown to a network.
 */
import { readFileSync } from 'node:fs';
import { readPrivateFile } from '../agent/private-file.ts';
import { parseAddress } from '../model/address.ts';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { ControlTarget } from '../server/control-client.ts';
import type { ControlFlags } from './control-options.ts';
import { controlSocketOf } from './instance.ts';

/** @throws E_USAGE, E_SECRETS, E_FILE; what finding a local instance throws */
export function controlTargetOf(env: NodeJS.ProcessEnv, flags: ControlFlags): ControlTarget {
  if (flags.address === undefined) return { socket: controlSocketOf(env, flags) };
  if (flags.name !== undefined || flags.stateDir !== undefined)
    throw new CalicoRrError(
      'E_USAGE',
      '--address names an agent elsewhere, --name and --state-dir one here.',
      {
        hint: 'Give one or the other.',
      },
    );
  return remoteTarget(env, flags.address, flags);
}

/** @throws E_USAGE, E_SECRETS, E_FILE */
export function remoteTarget(
  env: NodeJS.ProcessEnv,
  address: string,
  flags: Pick<ControlFlags, 'tokenFile' | 'caFile'>,
): ControlTarget {
  const caFile = flags.caFile ?? given(env.CALICO_RR_CA_FILE);
  const tokenFile = flags.tokenFile ?? given(env.CALICO_RR_TOKEN_FILE);
  const url = urlOf(address, caFile !== undefined);
  const isPrivate = url.protocol === 'https:' || isLoopback(url);
  if (!isPrivate && flags.tokenFile !== undefined)
    throw new CalicoRrError('E_USAGE', `The token would be readable on the way to ${url.origin}.`, {
      hint: 'Use https://, or leave --token-file out and read what --http serves.',
    });
  return {
    url: url.origin,
    token: isPrivate && tokenFile !== undefined ? readToken(tokenFile, '--token-file') : null,
    ca: caFile === undefined ? null : readAuthority(caFile),
  };
}

/** Shorter ones could be guessed. */
const LEAST_TOKEN = 16;

/** One line without blanks. @throws E_SECRETS */
export function readToken(path: string, setting: string): string {
  const token = readPrivateFile(path, 'the token file', setting).trim();
  if (token.length >= LEAST_TOKEN && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new CalicoRrError(
    'E_SECRETS',
    `the token file ${path} must hold one word of at least ${LEAST_TOKEN} characters`,
    { hint: `Make one: (umask 077; openssl rand -hex 32 > ${path})` },
  );
}

export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || (parseAddress(host)?.startsWith('127.') ?? false);
}

/** Without a scheme: TLS, but on loopback only where an authority is given. @throws E_USAGE */
function urlOf(address: string, authority: boolean): URL {
  const stated = /^https?:\/\//.test(address);
  const url = URL.parse(stated ? address : `https://${address}`);
  if (url === null || url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new CalicoRrError('E_USAGE', `--address ${JSON.stringify(address)} is no address of an agent.`, {
      hint: 'Write ADDRESS:PORT (IPv6: [ADDRESS]:PORT), or https://NAME:PORT.',
    });
  if (stated || authority || !isLoopback(url)) return url;
  return new URL(`http://${address}`);
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CalicoRrError('E_FILE', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Check --ca-file or CALICO_RR_CA_FILE.',
      cause: error,
    });
  }
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
