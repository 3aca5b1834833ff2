import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listing, peer } from '../../test/support/resources.ts';
import { at, racks } from '../../test/support/topology.ts';
import type { Resource } from '../model/resource.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import { createTopology } from '../topology/topology.ts';
import { withRunningNames } from './running-names.ts';
import { takenSessions } from './session-difference.ts';

/** What rr1 has to do in the racks, and what after these changes. */
function rr1(...changes: readonly Resource[]): readonly [SpeakerConfig, SpeakerConfig] {
  const topology = createTopology();
  topology.load(listing(...racks()));
  const view = topology.speaker(at('10.0.0.1'));
  const before = view.config();
  topology.apply(changes.map((resource) => ({ op: 'put', resource })));
  return [before, view.config()];
}

const namesOf = (config: SpeakerConfig): readonly string[] => config.sessions.map(({ name }) => name);
const forAll = (spec = {}) => peer('all-rr1', null, '10.0.0.1', { asNumber: 64512, ...spec });

test('a BGPPeer for all nodes that replaces those of single nodes ends no session', () => {
  const [running, wanted] = rr1(forAll());
  assert.ok(namesOf(wanted).includes('Global_10_0_1_1'));
  const kept = withRunningNames(running, wanted);
  const of = (name: string) => kept.sessions.find((session) => session.name === name);
  assert.equal(of('Node_10_0_1_1')?.because, 'BGPPeer/all-rr1');
  assert.deepEqual(takenSessions(running, kept, new Map()).taken, []);
  // Without: each of the rack's three sessions would restart.
  assert.equal(takenSessions(running, wanted, new Map()).taken.length, 3);
  assert.deepEqual(namesOf(kept), [...namesOf(kept)].sort());
});

test('sessions that were not there come by the names that they have', () => {
  const [running, wanted] = rr1(forAll());
  const kept = withRunningNames(running, wanted);
  assert.ok(!namesOf(running).includes('Global_10_0_1_4'));
  assert.ok(namesOf(kept).includes('Global_10_0_1_4'));
});

test('the names stay with the next change, and the sessions stay the same objects', () => {
  const [running, wanted] = rr1(forAll());
  const first = withRunningNames(running, wanted);
  const again = withRunningNames(first, { ...wanted });
  assert.ok(again.sessions.every((session, index) => session === first.sessions[index]));
});

test('a session that something else restarts takes its new name', () => {
  const [running, wanted] = rr1(forAll({ ttlSecurity: 1 }));
  assert.equal(withRunningNames(running, wanted), wanted);
});

test('where no name changes, nothing is copied', () => {
  const [running, wanted] = rr1(peer('n9-rr1', 'n9', '10.0.0.1'));
  assert.notEqual(running, wanted);
  assert.equal(withRunningNames(running, wanted), wanted);
});
