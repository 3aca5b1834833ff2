/**
 * Which proxy the environment names for a server, by the rules of Go's net/http, which kubectl and Calico follow:
 * HTTPS_PROXY for https and HTTP_PROXY for http; NO_PROXY lists hosts, domains, addresses and CIDRs, each with or without
 * a port; loopback is never proxied. A pod reaches its API server by an address that NO_PROXY mostly covers with a CIDR.
 */
import { isIP } from 'node:net';
import { overlap, parsePrefix } from '../../model/address.ts';

/** @returns the proxy's URL, or undefined where the server is reached directly */
export function proxyFromEnvironment(server: string, env: NodeJS.ProcessEnv): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const proxy = variable(env, `${scheme}_proxy`);
  if (proxy === '') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const excepted = variable(env, 'no_proxy').split(',');
  const realPort = port === '' ? (scheme === 'https' ? '443' : '80') : port;
  if (isLoopback(host) || excepted.some((entry) => covers(entry.trim().toLowerCase(), host, realPort)))
    return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function variable(env: NodeJS.ProcessEnv, name: string): string {
  return env[name.toUpperCase()] || env[name] || '';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** One entry of NO_PROXY. */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return isIP(host) !== 0 && within(entry, host);
  const [, bracketed, plain, entryPort] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  const name = bracketed ?? plain ?? entry;
  if (entryPort !== undefined && entryPort !== port) return false;
  if (isIP(name) !== 0) return isIP(host) !== 0 && within(`${name}/${isIP(name) === 4 ? 32 : 128}`, host);
  const domain = name.replace(/^\*/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function within(cidr: string, address: string): boolean {
  const network = parsePrefix(cidr);
  const alone = parsePrefix(`${address}/${isIP(address) === 4 ? 32 : 128}`);
  return network !== undefined && alone !== undefined && overlap(network, alone);
}
