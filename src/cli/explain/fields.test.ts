import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from '../../model/resource.ts';
import { explainField } from './fields.ts';

test('a field is explained: what it may be, since when, what becomes of it here, and why', () => {
  assert.equal(
    explainField('bgppeer.spec.nextHopMode'),
    `KIND      BGPPeer
FIELD     spec.nextHopMode
VALUE     Auto, Self or Keep
ABSENT    Auto
SINCE     Calico v3.31
HERE      honoured: at the end that the entry is for

What becomes of the next hop of the routes that the node gives: as BGP has it,
its own address, or untouched.

RULES
  keepOriginalNextHop and nextHopMode exclude each other.`,
  );
});

test('names may be in any case, lists need no brackets, and spec may be left out', () => {
  const explained = explainField('BGPFilter.spec.importV4.action');
  assert.match(
    explained,
    /^FIELD {5}spec\.importV4\.action\nVALUE {5}Accept or Reject\nABSENT {4}not allowed$/m,
  );
  assert.equal(explainField('bgpfilters.SPEC.importv4[0].ACTION'), explained);
  assert.equal(explainField('bgpfilter.importV4.action'), explained);
  assert.match(explainField('node.metadata.labels'), /What selectors ask for/);
});

test('every kind is explained, with its fields, and in lines that fit a terminal', () => {
  for (const kind of Object.keys(KINDS)) {
    const explained = explainField(kind.toLowerCase());
    assert.match(explained, new RegExp(`^KIND {6}${kind}$`, 'm'));
    const long = explained.split('\n').filter((line) => line.length > 80);
    assert.deepEqual(long, [], kind);
  }
  assert.match(explainField('bgppeer'), /^FIELDS of spec\n {2}node +The one node/m);
});

test('a field of Calico Enterprise is explained as not honoured', () => {
  assert.match(
    explainField('bgppeer.spec.restartMode'),
    /^HERE {6}reported: only Calico Enterprise has it$/m,
  );
});

test('what there is none of finds what is near', () => {
  for (const [path, message, hint] of [
    ['bgpper', /no kind "bgpper"/, /Did you mean bgppeer\?/],
    [
      'bgppeer.spec.reversPeering',
      /bgppeer\.spec has no field "reversPeering"/,
      /bgppeer\.spec\.reversePeering/,
    ],
    ['bgppeer.spec.node.name', /bgppeer\.spec\.node has no field "name"/, /no fields of its own/],
    ['x', /no kind "x"/, /There are Node, BGPPeer/],
  ] as const) {
    assert.throws(
      () => explainField(path),
      (error: unknown) => {
        assert.ok(
          error instanceof Error && 'code' in error && 'hint' in error && typeof error.hint === 'string',
        );
        assert.equal(error.code, 'E_USAGE');
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        return true;
      },
    );
  }
});
