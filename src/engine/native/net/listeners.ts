/**
 * The listening sockets of a speaker, and the TCP-MD5 keys of its peers on each of them. A peer that comes, goes or
 * changes its password touches its own key and nothing else. What cannot be opened yet (an address that is not there,
 * a port that another process still has) is tried again until it can, or is no longer wanted.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../../model/errors.ts';
import type { Clock, ListenAddress, PeerSettings } from '../peer-link.ts';
import { canonicalAddress } from './accept-gate.ts';
import type { Listener, Network, Offered } from './network.ts';
import { lowestTtl } from './socket-options.ts';
import { familyOfAddress } from './tcp-wire.ts';

const RETRY_MS = 1_000;
/** Between two attempts to set keys that could not be set. */
const KEYS_AGAIN_MS = 30_000;

export interface Listeners {
  /** Exactly these from now on. @returns what could not be opened, with the reason */
  listen(
    addresses: readonly ListenAddress[],
  ): Promise<readonly { readonly address: ListenAddress; readonly reason: string }[]>;
  /** What is wanted and could not be opened yet. */
  readonly unopened: readonly { readonly address: ListenAddress; readonly reason: string }[];
  /** Where its key cannot be set, its connections are turned away until it can. */
  addPeer(settings: PeerSettings): void;
  removePeer(settings: PeerSettings): void;
  close(): Promise<void>;
}

interface Place {
  readonly address: ListenAddress;
  listener: Listener | null;
  /** Why it could not be opened when that was last tried. */
  fault: string | null;
  /** How many of its peers may send with which TTL at least; 0: any. */
  readonly ttls: Map<number, number>;
  /** What the listener was told. */
  lowest: number;
  callOffRetry: (() => void) | null;
  /** Peers whose keys could not be set, by address. */
  readonly unkeyed: Map<string, PeerSettings>;
  callOffKeys: (() => void) | null;
  closed: boolean;
}

export function createListeners(
  network: Network,
  clock: Clock,
  log: Logger,
  offered: (connection: Offered) => void,
): Listeners {
  const places = new Map<string, Place>();
  const peers = new Set<PeerSettings>();

  /** Where a single peer may be any distance away, the listener takes what comes. */
  const count = (place: Place, peer: PeerSettings, change: 1 | -1): void => {
    const ttl = peer.ttlSecurityHops === null ? 0 : lowestTtl(peer.ttlSecurityHops);
    const peersOfIt = (place.ttls.get(ttl) ?? 0) + change;
    if (peersOfIt === 0) place.ttls.delete(ttl);
    else place.ttls.set(ttl, peersOfIt);
    const lowest = place.ttls.size === 0 ? 0 : Math.min(...place.ttls.keys());
    if (lowest === place.lowest) return;
    place.listener?.setLowestTtl(lowest);
    place.lowest = lowest;
  };

  /** The room for keys is bounded, and others may leave it, or it be raised: what fails is tried again. */
  const setKey = (place: Place, listener: Listener, peer: PeerSettings): void => {
    const { name, peerAddress, password } = peer;
    if (password === null) return;
    const { unkeyed } = place;
    try {
      listener.setKey(peerAddress, password);
      unkeyed.delete(canonicalAddress(peerAddress));
    } catch (error) {
      if (unkeyed.size === 0) {
        const reason = messageOf(error);
        log.error({ session: name, reason }, 'a TCP-MD5 key could not be set: its peer is only dialled');
      }
      unkeyed.set(canonicalAddress(peerAddress), peer);
      place.callOffKeys ??= clock.setTimer(KEYS_AGAIN_MS, () => {
        place.callOffKeys = null;
        for (const one of [...unkeyed.values()]) setKey(place, listener, one);
        if (unkeyed.size === 0) log.info({ ...place.address }, 'all TCP-MD5 keys are set now');
      });
    }
  };

  const open = async (place: Place): Promise<string | null> => {
    let listener: Listener;
    try {
      listener = await network.listen(place.address, (connection) => {
        // The system cannot judge it, and nobody who has to sign is taken unsigned.
        if (place.unkeyed.has(canonicalAddress(connection.remote))) connection.turnAway();
        else offered(connection);
      });
    } catch (error) {
      place.fault = messageOf(error);
      return place.fault;
    }
    place.fault = null;
    if (place.closed) {
      await listener.close();
      return null;
    }
    place.listener = listener;
    for (const peer of peers) {
      if (!isFor(place.address, peer)) continue;
      count(place, peer, 1);
      setKey(place, listener, peer);
    }
    return null;
  };

  const retry = (place: Place): void => {
    place.callOffRetry = clock.setTimer(RETRY_MS, () => {
      void open(place).then((reason) => {
        if (place.closed) return;
        if (reason === null) log.info({ ...place.address }, 'listening now');
        else retry(place);
      });
    });
  };

  const close = async (key: string, place: Place): Promise<void> => {
    places.delete(key);
    place.closed = true;
    place.callOffRetry?.();
    place.callOffKeys?.();
    await place.listener?.close();
  };

  const each = (peer: PeerSettings, visit: (place: Place, listener: Listener) => void): void => {
    for (const place of places.values()) {
      if (place.listener !== null && isFor(place.address, peer)) visit(place, place.listener);
    }
  };

  return {
    async listen(addresses) {
      const wanted = new Map(addresses.map((address) => [keyOf(address), address]));
      const gone = [...places].filter(([key]) => !wanted.has(key));
      await Promise.all(gone.map(([key, place]) => close(key, place)));
      const failed: { readonly address: ListenAddress; readonly reason: string }[] = [];
      for (const [key, address] of wanted) {
        const known = places.get(key);
        if (known?.listener !== null && known !== undefined) continue;
        if (known !== undefined) await close(key, known);
        const place: Place = {
          address,
          listener: null,
          fault: null,
          ttls: new Map(),
          lowest: 0,
          callOffRetry: null,
          unkeyed: new Map(),
          callOffKeys: null,
          closed: false,
        };
        places.set(key, place);
        const reason = await open(place);
        if (reason === null || place.closed) continue;
        failed.push({ address, reason });
        retry(place);
      }
      return failed;
    },
    get unopened() {
      return [...places.values()].flatMap(({ address, fault }) =>
        fault === null ? [] : [{ address, reason: fault }],
      );
    },
    addPeer(peer) {
      peers.add(peer);
      each(peer, (place, listener) => {
        setKey(place, listener, peer);
        count(place, peer, 1);
      });
    },
    removePeer(peer) {
      peers.delete(peer);
      each(peer, (place, listener) => {
        const without = place.unkeyed.delete(canonicalAddress(peer.peerAddress));
        if (peer.password !== null && !without) listener.setKey(peer.peerAddress, null);
        count(place, peer, -1);
      });
    },
    async close() {
      await Promise.all([...places].map(([key, place]) => close(key, place)));
    },
  };
}

function keyOf({ address, port }: ListenAddress): string {
  return `${canonicalAddress(address)} ${port}`;
}

/** Whether connections of this peer may come in there. */
function isFor({ address }: ListenAddress, { peerAddress, sourceAddress }: PeerSettings): boolean {
  if (familyOfAddress(address) !== familyOfAddress(peerAddress)) return false;
  if (sourceAddress === null || address === '0.0.0.0' || address === '::') return true;
  return canonicalAddress(address) === canonicalAddress(sourceAddress);
}
