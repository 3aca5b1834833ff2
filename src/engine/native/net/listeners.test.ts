import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { testOffer, testPeer } from '../../../../test/support/peer-settings.ts';
import { simulatedNetwork } from '../../../../test/support/simulated-network.ts';
import { simulatedTime } from '../../../../test/support/simulated-time.ts';
import type { PeerSettings } from '../peer-link.ts';
import { createListeners } from './listeners.ts';
import type { Network, Offered } from './network.ts';

const PORT = 179;

function signedPeer(peerAddress: string): PeerSettings {
  const given = { peerAddress, peerPort: PORT, sourceAddress: null, offer: testOffer('10.0.0.1') };
  return { ...testPeer(given), password: 'secret' };
}

test('a peer whose key there is no room for is turned away, and let in when there is', async () => {
  const time = simulatedTime();
  const keys = new Map<string, Set<string>>();
  const doors = new Map<string, (connection: Offered) => void>();
  /** Each listener has room for one key. */
  const network: Network = {
    ...simulatedNetwork(time),
    async listen({ address }, offered) {
      const held = new Set<string>();
      keys.set(address, held);
      doors.set(address, offered);
      return {
        setKey(peer, key) {
          if (key === null) assert.ok(held.delete(peer), `${peer} has no key`);
          else if (held.size > 0) throw new Error('no room');
          else held.add(peer);
        },
        setLowestTtl: () => undefined,
        close: () => Promise.resolve(),
      };
    },
  };
  const entered: string[] = [];
  const listeners = createListeners(network, time.clock, pino({ level: 'silent' }), ({ remote }) => {
    entered.push(remote);
  });
  const knock = (local: string): readonly string[] => {
    entered.length = 0;
    for (const remote of ['10.0.1.1', '10.0.1.2']) {
      doors.get(local)?.({
        local,
        remote,
        objection: () => null,
        take: () => assert.fail('taken'),
        turnAway: () => undefined,
      });
    }
    return [...entered];
  };

  await listeners.listen([{ address: '10.0.0.1', port: PORT }]);
  const [one, other] = [signedPeer('10.0.1.1'), signedPeer('10.0.1.2')];
  listeners.addPeer(one);
  listeners.addPeer(other);
  await listeners.listen([
    { address: '10.0.0.1', port: PORT },
    { address: '10.0.0.9', port: PORT },
  ]);
  assert.deepEqual(knock('10.0.0.1'), ['10.0.1.1']);
  assert.deepEqual(knock('10.0.0.9'), ['10.0.1.1']);
  listeners.removePeer(one);
  time.advance(40_000);
  assert.deepEqual(
    [...keys.values()].map((held) => [...held]),
    [['10.0.1.2'], ['10.0.1.2']],
  );
  assert.ok(knock('10.0.0.1').includes('10.0.1.2'));
  assert.ok(knock('10.0.0.9').includes('10.0.1.2'));
});
