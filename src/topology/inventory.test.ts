import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelled, listing, node, reflector, resource } from '../../test/support/resources.ts';
import { createInventory } from './inventory.ts';

test('an entry that is gone leaves nothing behind: no selector is asked, no side is known', () => {
  const inventory = createInventory(() => {});
  inventory.load(
    listing(
      labelled(node('n1', ['10.0.0.1']), { a: 'x' }),
      labelled(reflector('rr1', ['10.0.0.21']), { a: 'x' }),
      resource('BGPPeer', 'p', { nodeSelector: 'has(a)', peerSelector: "a == 'x'" }),
      resource('BGPPeer', 'q', { nodeSelector: 'has(a)', peerIP: '10.0.0.21' }),
    ),
  );
  assert.deepEqual(inventory.selections.selectorsOf('n1'), ["a == 'x'", 'has(a)']);
  assert.deepEqual(inventory.reflectorSelections.selectorsOf('rr1'), ['has(a)']);
  const sides = () => {
    const keys = { addresses: [], selectors: ["a == 'x'", 'has(a)'] };
    return [
      ...inventory.peers.localsOf(keys),
      ...inventory.peers.remotesOf({ every: true, node: 'n1', selectors: keys.selectors }),
    ].length;
  };
  assert.equal(sides(), 3);
  inventory.apply({ op: 'put', resource: resource('BGPPeer', 'q', { node: 'n1', peerIP: '10.0.0.21' }) });
  assert.deepEqual(inventory.reflectorSelections.selectorsOf('rr1'), []);
  inventory.apply({ op: 'delete', kind: 'BGPPeer', name: 'q' });
  inventory.apply({ op: 'delete', kind: 'BGPPeer', name: 'p' });
  assert.deepEqual(inventory.selections.selectorsOf('n1'), []);
  assert.equal(sides(), 0);
});

test('a node that a reload brings back without its cluster ID reflects no more', () => {
  const inventory = createInventory(() => {});
  inventory.load(listing(node('n1', ['10.0.0.1'], { routeReflectorClusterID: '1.0.0.1' })));
  assert.deepEqual([...inventory.reflectorNodes], ['n1']);
  inventory.load(listing(node('n1', ['10.0.0.1'])));
  assert.deepEqual([...inventory.reflectorNodes], []);
});
