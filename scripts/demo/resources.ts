/**
 * The demo's datastore: a copy of examples/rack, and with IPv6 the same once more on addresses of a prefix that
 * is the demo's own. Those addresses are put on the loopback interface, which takes root, and are known by their
 * prefix, so that what an interrupted demo left is found and removed by the next.
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const EXAMPLES = join(import.meta.dirname, '../../examples');
/** A unique local prefix (RFC 4193); whatever is in it on the loopback interface is the demo's. */
const IPV6_PREFIX = 'fdca:11c0:5252:';

/** Writes `folder/resources` and `folder/more/n10.yaml`, a tenth node that is not in it yet. */
export async function writeResources(folder: string, ipv6: boolean): Promise<void> {
  const resources = join(folder, 'resources');
  await cp(join(EXAMPLES, 'rack'), resources, { recursive: true });
  await mkdir(join(folder, 'more'));
  await cp(join(EXAMPLES, 'tenth-node.yaml'), join(folder, 'more', 'n10.yaml'));
  if (!ipv6) return;
  for (const folderName of ['resources', 'more']) {
    for (const name of await readdir(join(folder, folderName))) {
      const path = join(folder, folderName, name);
      await writeFile(path, inBothFamilies(await readFile(path, 'utf8')));
    }
  }
}

/** `127.0.1.7` -> `fdca:11c0:5252::1:7`: the last two numbers say whose it is. */
function ipv6Of(ipv4: string): string {
  const [, , third, fourth] = ipv4.split('.');
  return `${IPV6_PREFIX}:${third}:${fourth}`;
}

/** Adds IPv6 to every speaker of a file, and a second peer entry or block for each one of IPv4. */
function inBothFamilies(text: string): string {
  const documents = parseAllDocuments(text);
  const more: string[] = [];
  for (const document of documents) {
    const at = (...path: string[]): string | undefined => {
      const value = document.getIn(path);
      return typeof value === 'string' ? value : undefined;
    };
    const ipv4 = at('spec', 'ipv4');
    const nodeIpv4 = at('spec', 'bgp', 'ipv4Address');
    const peer = at('spec', 'peerIP');
    const cidr = at('spec', 'cidr');
    if (ipv4 !== undefined) document.setIn(['spec', 'ipv6'], ipv6Of(ipv4));
    if (nodeIpv4 !== undefined) document.setIn(['spec', 'bgp', 'ipv6Address'], ipv6Of(nodeIpv4));
    if (peer === undefined && cidr === undefined) continue;
    const twin = document.clone();
    twin.setIn(['metadata', 'name'], `${at('metadata', 'name')}-v6`);
    if (peer !== undefined) {
      const [address = '', port] = peer.split(':');
      twin.setIn(['spec', 'peerIP'], `[${ipv6Of(address)}]:${port}`);
    }
    if (cidr !== undefined) twin.setIn(['spec', 'cidr'], ipv6Block(cidr));
    more.push(twin.toString().trim());
  }
  const texts = [...documents.map((document) => document.toString().trim()), ...more];
  return `${texts.join('\n---\n')}\n`;
}

/** `10.65.7.0/26` -> `fd00:10:65:7::/122`, `10.65.0.0/16` -> `fd00:10:65::/48`. */
function ipv6Block(cidr: string): string {
  const [, , third] = cidr.split('.');
  return cidr.endsWith('/16') ? 'fd00:10:65::/48' : `fd00:10:65:${third}::/122`;
}

/** Addresses of the demo: six reflectors, nine nodes, the tenth node. */
function demoAddresses(): readonly string[] {
  return [
    ...Array.from({ length: 6 }, (_, index) => ipv6Of(`127.0.0.${11 + index}`)),
    ...Array.from({ length: 10 }, (_, index) => ipv6Of(`127.0.1.${1 + index}`)),
  ];
}

function ip(...args: readonly string[]): string {
  const result = spawnSync('ip', args, { encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(`ip ${args.join(' ')}: ${result.stderr?.trim() || result.error?.message}`);
  return result.stdout;
}

/** Removes every address of the demo's prefix from the loopback interface. */
export function removeAddresses(): void {
  for (const line of ip('-6', '-oneline', 'address', 'show', 'dev', 'lo').split('\n')) {
    const address = /inet6 (\S+)/.exec(line)?.[1];
    if (address?.startsWith(IPV6_PREFIX)) ip('-6', 'address', 'del', address, 'dev', 'lo');
  }
}

/** Puts the demo's IPv6 addresses on the loopback interface. Needs root. */
export function addAddresses(): void {
  removeAddresses();
  for (const address of demoAddresses()) ip('-6', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
}
