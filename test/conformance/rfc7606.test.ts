/**
 * RFC 7606, clause by clause, for peers of our own AS and of others: what is wrong never costs more than the clause
 * says, and never less.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attributeRow,
  decodeAttributes,
  decodeUpdate,
  findAttribute,
  ProtocolError,
  type Update,
  type UpdateContext,
} from '../../src/bgp/index.ts';
import { EXTERNAL, INTERNAL } from '../support/bgp-messages.ts';
import { CASES, type Case, type Outcome, type PeerKind } from './rfc7606-cases.ts';

function contextOf(peer: PeerKind, { oldSpeaker }: Case): UpdateContext {
  return { ...(peer === 'internal' ? INTERNAL : EXTERNAL), fourOctetAs: oldSpeaker !== true };
}

function outcomeOf(update: Update): Outcome {
  if (update.treatedAsWithdraw) return 'treat-as-withdraw';
  return update.malformed.length > 0 ? 'attribute-discard' : 'accepted';
}

/** The usual attributes hold a LOCAL_PREF, which an external peer should not have sent: that is not the case's point. */
function relevant(update: Update, { gone }: Case): Update {
  const malformed = update.malformed.filter(({ name }) => gone === 5 || name !== 'LOCAL_PREF');
  return { ...update, malformed };
}

const PEERS: readonly PeerKind[] = ['internal', 'external'];
for (const peer of PEERS) {
  for (const one of CASES) {
    const expected = one[peer];
    test(`${one.name} (${one.clause}, ${peer} peer)`, () => {
      const context = contextOf(peer, one);
      if (expected === 'session-reset') {
        assert.throws(() => decodeUpdate(one.message, context), ProtocolError);
        return;
      }
      const update = relevant(decodeUpdate(one.message, context), one);
      assert.equal(outcomeOf(update), expected, JSON.stringify(update.malformed));
      if (expected === 'treat-as-withdraw') {
        assert.equal(update.announced.length, 0);
        assert.ok(update.withdrawn.some(({ count }) => count === 1));
      }
      if (expected === 'attribute-discard' && one.gone !== undefined) {
        for (const { attributes } of update.announced)
          assert.equal(findAttribute(attributes, one.gone), null);
      }
      if (expected === 'accepted') assert.ok(update.announced.length > 0);
    });
  }
}

test('of a repeated attribute the first value goes on', () => {
  const repeated = CASES.find(({ name }) => name.startsWith('a second ORIGIN'));
  assert.ok(repeated);
  const update = decodeUpdate(repeated.message, INTERNAL);
  assert.equal(decodeAttributes(update.announced[0]?.attributes ?? new Uint8Array(0)).origin, 0);
});

test('every malformation names its attribute and the clause that decides', () => {
  for (const one of CASES.filter(({ internal }) => internal !== 'session-reset')) {
    for (const { name, clause, what } of decodeUpdate(one.message, contextOf('internal', one)).malformed) {
      assert.match(clause, /^RFC \d+ section /, one.name);
      assert.ok(name.length > 0 && what.length > 0, one.name);
    }
  }
});

test('the table has a case for each attribute whose malformation RFC 7606 names', () => {
  const clauses = new Set(CASES.map(({ clause }) => clause));
  const sections = ['7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '7.7', '7.8', '7.9', '7.10', '7.11', '7.14'];
  assert.deepEqual(
    sections.filter((section) => !clauses.has(section)),
    [],
  );
  assert.equal(attributeRow(2)?.malformed, 'treat-as-withdraw');
});
