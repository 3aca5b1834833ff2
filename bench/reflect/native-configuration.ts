/** The SpeakerConfig of the native engine under measurement: the clients of bench/bgpload, nothing else. */
import { type IpAddress, parseAddress } from '../../src/model/address.ts';
import { type AsNumber, parseAsNumber } from '../../src/model/as-number.ts';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { PLAIN_SESSION } from '../../test/support/plain-session.ts';
import { clientAddress, REFLECTOR } from './configurations.ts';

const CLUSTER = '1.0.0.1';
/** No client of these workloads announces as many: what is measured is not the limit. */
const MAX_PREFIXES = 1_000_000;

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const own = address(REFLECTOR);

function ownAs(): AsNumber {
  const asNumber = parseAsNumber(64512);
  if (asNumber === undefined) throw new Error('64512 is no AS number');
  return asNumber;
}

/** Those of the clients with the numbers `from` to `to`, without the last. */
export function nativeSessions(from: number, to: number): readonly SessionConfig[] {
  const asNumber = ownAs();
  return Array.from({ length: to - from }, (_, offset): SessionConfig => {
    const index = from + offset;
    const peerAddress = address(clientAddress(index));
    return {
      ...PLAIN_SESSION,
      name: `Global_${peerAddress.replaceAll('.', '_')}`,
      kind: 'global',
      family: 4,
      peerAddress,
      peerPort: 179,
      peerAs: asNumber,
      localAs: asNumber,
      peerName: `n${index}`,
      client: true,
      clusterId: CLUSTER,
      passive: true,
      sourceAddress: own,
      maxPrefixes: MAX_PREFIXES,
      because: 'BGPPeer/all-to-rr',
    };
  });
}

export function nativeConfiguration(port: number, clients: number): SpeakerConfig {
  return {
    speaker: 'rr1',
    role: 'reflector',
    forwards: false,
    standalone: false,
    asNumber: ownAs(),
    routerId: own,
    ipv4: own,
    ipv6: null,
    clusterId: CLUSTER,
    group: 'default',
    listenPort: port,
    logLevel: 'info',
    pools: [],
    serviceRanges: [],
    serviceRoutes: [],
    filters: [],
    prefixAdvertisements: [],
    ignoredInterfaces: [],
    blocks: [],
    customFilters: [],
    ipv4Network: null,
    sessions: [...nativeSessions(0, clients)].sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}
