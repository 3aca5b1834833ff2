/**
 * Real TCP. Options that must hold from the first segment on are set before there is a first segment: on a listener
 * before it is told of any peer, on a socket that dials between `socket` and `connect`, for which the socket is made
 * by hand and then given to Node.
 *
 * TTL security has two halves. What we send has TTL 255 from the SYN and the SYN-ACK on, so a listener has it always:
 * the peer may judge the SYN-ACK already. What arrives is judged by the system: on a connection that we dial from
 * its first answer, on one that we accept from the moment of accepting (and its SYN by `objection`), and on the
 * listener as well where all of its peers want it (`setLowestTtl`).
 */
import { createServer, Socket } from 'node:net';
import { messageOf } from '../../../model/errors.ts';
import type { Clock } from '../peer-link.ts';
import type { Libc, NoLibc } from './libc.ts';
import type { DialTarget, Listener, Network, Offered, Wire, WireEvents, WireTerms } from './network.ts';
import {
  HIGHEST_TTL,
  isSignedSyn,
  keepSyns,
  LONGEST_MD5_KEY,
  lowestTtl,
  openSocket,
  SocketOptionError,
  savedSyn,
  setLowestTtl,
  setMd5Key,
  setPrecedence,
  setTtl,
  ttlOfSyn,
} from './socket-options.ts';
import { descriptorOf, familyOfAddress, reasonOf, wireOf } from './tcp-wire.ts';

/** Connections that may wait to be accepted: all clients of a reflector dial at once when it starts. */
const BACKLOG = 4_096;

export function tcpNetwork(clock: Clock, system: Libc | NoLibc): Network {
  const libc = 'missing' in system ? null : system;
  return {
    refusalOf: (terms) => refusalOf(terms, system),
    listen: (address, offered) => listen(clock, libc, address.address, address.port, offered),
    dial: (target, events) => dial(clock, libc, target, events),
  };
}

function refusalOf({ password, ttlSecurityHops }: WireTerms, system: Libc | NoLibc): string | null {
  const asked = [password === null ? [] : 'TCP-MD5', ttlSecurityHops === null ? [] : 'TTL security'].flat();
  if (asked.length > 0 && 'missing' in system) {
    return `${asked.join(' and ')} cannot be had, because socket options cannot be set: ${system.missing}`;
  }
  if (password !== null) {
    const octets = Buffer.byteLength(password);
    if (octets === 0) return 'the TCP-MD5 password is empty';
    if (octets > LONGEST_MD5_KEY) {
      return `the TCP-MD5 password has ${octets} octets, ${LONGEST_MD5_KEY} is the most that TCP takes`;
    }
  }
  return null;
}

async function listen(
  clock: Clock,
  libc: Libc | null,
  address: string,
  port: number,
  offered: (connection: Offered) => void,
): Promise<Listener> {
  const family = familyOfAddress(address);
  const server = createServer({ pauseOnConnect: true, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(reasonOf(error))));
    // Nothing can be accepted before this calls back, and what the kernel takes meanwhile has no peer yet.
    server.listen(
      { host: address, port, backlog: BACKLOG, ipv6Only: family === 6, exclusive: true },
      resolve,
    );
  });
  const descriptor = descriptorOf(server);
  try {
    if (libc !== null && descriptor !== null) {
      setTtl(libc, descriptor, family, HIGHEST_TTL);
      setPrecedence(libc, descriptor, family);
      keepSyns(libc, descriptor);
    }
  } catch (error) {
    server.close();
    throw error;
  }
  server.on('connection', (socket) => {
    const offer = offerOf(clock, libc, socket);
    if (offer !== null) offered(offer);
  });
  // A failure to accept (no descriptors left) is one connection's, not the listener's.
  server.on('error', () => undefined);
  return {
    setKey(peer, key) {
      if (libc !== null && descriptor !== null) setMd5Key(libc, descriptor, peer, key);
      else if (key !== null) throw new SocketOptionError('TCP-MD5: socket options cannot be set');
    },
    setLowestTtl(ttl) {
      if (libc !== null && descriptor !== null) setLowestTtl(libc, descriptor, family, ttl);
    },
    // It listens no more as soon as this is called; Node's callback would wait for every connection accepted here.
    close() {
      server.close();
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Null where it is gone already. */
function offerOf(clock: Clock, libc: Libc | null, socket: Socket): Offered | null {
  const { localAddress: local, remoteAddress: remote } = socket;
  const turnAway = (): void => {
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
  };
  if (local === undefined || remote === undefined) {
    turnAway();
    return null;
  }
  return {
    local,
    remote,
    objection: (terms) => objectionTo(libc, descriptorOf(socket), remote, terms),
    take(terms, events) {
      try {
        protect(libc, descriptorOf(socket), remote, terms);
      } catch (error) {
        turnAway();
        return deadWire(clock, events, messageOf(error));
      }
      const wire = wireOf(socket, events, clock, libc);
      socket.resume();
      return wire;
    },
    turnAway,
  };
}

function dial(clock: Clock, libc: Libc | null, target: DialTarget, events: WireEvents): Wire {
  const { peerAddress, peerPort, sourceAddress } = target;
  const source = sourceAddress === null ? {} : { localAddress: sourceAddress };
  let socket: Socket;
  try {
    socket = socketFor(libc, target);
  } catch (error) {
    return deadWire(clock, events, messageOf(error));
  }
  const wire = wireOf(socket, events, clock, libc);
  socket.connect({ host: peerAddress, port: peerPort, ...source });
  return wire;
}

/**
 * For a connection that has come in: `protect` sees to what arrives from now on, but whoever is quick has said something
 * before that. How far away it began (RFC 5082), and whether it is signed though it came before the listener had its
 * peer's key, its SYN tells.
 */
function objectionTo(
  libc: Libc | null,
  descriptor: number | null,
  peer: string,
  { password, ttlSecurityHops }: WireTerms,
): string | null {
  if (libc === null || descriptor === null || (password === null && ttlSecurityHops === null)) return null;
  const family = familyOfAddress(peer);
  const syn = savedSyn(libc, descriptor);
  if (syn === null) return null;
  if (password !== null && !isSignedSyn(syn, family)) return 'a connection came without a TCP-MD5 signature';
  if (ttlSecurityHops === null) return null;
  const ttl = ttlOfSyn(syn, family);
  const least = lowestTtl(ttlSecurityHops);
  if (ttl >= least) return null;
  return `a connection came from too far away for TTL security: TTL ${ttl}, and ${least} is the least`;
}

/** A connection that never was, and says so when its owner listens. */
function deadWire(clock: Clock, events: WireEvents, reason: string): Wire {
  const callOff = clock.setTimer(0, () => events.closed(reason));
  return {
    write: () => true,
    waiting: 0,
    taken: 0,
    pause: () => undefined,
    resume: () => undefined,
    finish: () => Promise.resolve(callOff()),
    destroy: callOff,
  };
}

/** A socket with all that its first segment must have. */
function socketFor(libc: Libc | null, target: DialTarget): Socket {
  const { peerAddress } = target;
  if (libc === null) {
    protect(libc, null, peerAddress, target);
    return new Socket();
  }
  const family = familyOfAddress(peerAddress);
  const descriptor = openSocket(libc, family);
  try {
    setPrecedence(libc, descriptor, family);
    protect(libc, descriptor, peerAddress, target);
    // Without `manualStart` Node would read before there is a connection.
    const options = { fd: descriptor, readable: true, writable: true, manualStart: true };
    return new Socket(options);
  } catch (error) {
    libc.closeDescriptor(descriptor);
    throw error;
  }
}

/**
 * Key and TTLs of a connection of its own. One that was accepted has its key from the listener; it is set once more for
 * one that came in before its peer was known there.
 */
function protect(libc: Libc | null, descriptor: number | null, peer: string, terms: WireTerms): void {
  const { password, ttlSecurityHops, direct } = terms;
  if (libc === null || descriptor === null) {
    // `refusalOf` has said so before; this is so that nothing ever comes up without what was asked for.
    if (password === null && ttlSecurityHops === null) return;
    throw new SocketOptionError('socket options cannot be set');
  }
  const family = familyOfAddress(peer);
  if (password !== null) setMd5Key(libc, descriptor, peer, password);
  if (ttlSecurityHops !== null) {
    setTtl(libc, descriptor, family, HIGHEST_TTL);
    setLowestTtl(libc, descriptor, family, lowestTtl(ttlSecurityHops));
  } else if (direct) {
    setTtl(libc, descriptor, family, 1);
  }
}
