/** A peer that says what a test makes it say, over a simulated network. */
import {
  createFramer,
  decodeNotification,
  describeNotification,
  encodeKeepalive,
  encodeOpen,
  type Frame,
  type MessageType,
  type Offer,
  openOf,
} from '../../src/bgp/index.ts';
import type { Network, Wire } from '../../src/engine/native/net/network.ts';

export interface ScriptedPeer {
  readonly wire: Wire;
  /** Messages that came, by type, in order. */
  readonly heard: readonly MessageType[];
  /** NOTIFICATIONs that came, in words. */
  readonly notifications: readonly string[];
  /** Why the connection is gone; null: it is not. */
  readonly closed: string | null;
  send(...messages: readonly Uint8Array[]): void;
}

export interface ScriptedPeerOptions {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** With its OPEN and its first KEEPALIVE it comes up by itself; null: it says nothing. */
  readonly offer: Offer | null;
  readonly onFrame?: (frame: Frame) => void;
}

export function scriptedPeer(network: Network, options: ScriptedPeerOptions): ScriptedPeer {
  const framer = createFramer();
  framer.acceptExtendedMessages();
  const heard: MessageType[] = [];
  const notifications: string[] = [];
  let closed: string | null = null;
  const target = {
    peerAddress: options.to,
    peerPort: options.port,
    sourceAddress: options.from,
    ...{ password: null, ttlSecurityHops: null, direct: false },
  };
  const wire = network.dial(target, {
    connected() {
      if (options.offer !== null) wire.write([encodeOpen(openOf(options.offer))]);
    },
    received(octets) {
      framer.push(octets, (frame) => {
        heard.push(frame.type);
        if (frame.type === 'open' && options.offer !== null) wire.write([encodeKeepalive()]);
        if (frame.type === 'notification') {
          notifications.push(describeNotification(decodeNotification(frame.message)));
        }
        options.onFrame?.(frame);
        return true;
      });
    },
    drained: () => undefined,
    closed(reason) {
      closed = reason;
    },
  });
  return {
    wire,
    heard,
    notifications,
    get closed() {
      return closed;
    },
    send: (...messages) => void wire.write(messages),
  };
}
