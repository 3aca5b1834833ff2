/**
 * Sessions for tests: settings, OPENs, and steps told in words that a table can hold.
 */
import {
  CALICO_TIMES,
  cease,
  decodeNotification,
  describeNotification,
  type Effect,
  type Offer,
  type Open,
  openOf,
  type SessionSettings,
} from '../../src/bgp/index.ts';

const FAMILY = { addPath: null, ipv6NextHop: false, forwarding: true, longLivedSeconds: 3600 } as const;

export const OFFER: Offer = {
  localAs: 64_512,
  peerAs: 64_512,
  routerId: 0x0a00_0001,
  holdSeconds: 90,
  keepaliveSeconds: null,
  families: [
    { family: 4, ...FAMILY },
    { family: 6, ...FAMILY },
  ],
  extendedMessages: true,
  gracefulRestart: { seconds: 120, restarting: false, notification: true },
};

/** What a peer like us says. */
export const PEER_OFFER: Offer = { ...OFFER, routerId: 0x0a00_0002 };

export function openFrom(changes: Partial<Offer> = {}): Open {
  return openOf({ ...PEER_OFFER, ...changes });
}

export function settingsWith(changes: Partial<SessionSettings> = {}): SessionSettings {
  return { ...CALICO_TIMES, connectDelaySeconds: 0, offer: OFFER, ...changes };
}

export const SHUTDOWN = cease(2, 'moved');

/** `send KEEPALIVE`, `start hold 90`, `close`, `down, keeps 4 6`... joined by `; `. */
export function inWords(effects: readonly Effect[], withConnection = false): string {
  return effects.map((effect) => `${word(effect)}${withConnection ? connectionOf(effect) : ''}`).join('; ');
}

function connectionOf(effect: Effect): string {
  return 'connection' in effect && effect.connection !== null ? ` ${effect.connection}` : '';
}

const MESSAGES = ['', 'OPEN', 'UPDATE', 'NOTIFICATION', 'KEEPALIVE', 'ROUTE-REFRESH'];

function word(effect: Effect): string {
  switch (effect.do) {
    case 'dial':
    case 'accept':
    case 'close':
    case 'agreed':
    case 'up':
      return effect.do;
    case 'refuse':
      return `refuse: ${effect.because}`;
    case 'send':
      return effect.message[18] === 3
        ? describeNotification(decodeNotification(effect.message))
        : `send ${MESSAGES[effect.message[18] ?? 0]}`;
    case 'start-timer':
      return `start ${effect.timer} ${effect.seconds}${effect.jitter ? '~' : ''}`;
    case 'stop-timer':
      return `stop ${effect.timer}`;
    case 'down': {
      const kept = effect.retained.map(({ family }) => family).join(' ');
      return kept === '' ? 'down' : `down, keeps ${kept}`;
    }
    default:
      return effect satisfies never;
  }
}
