/** `explain` as a person types it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../support/cli.ts';

const RACK = join(import.meta.dirname, '../../examples/rack');

test('a field is explained under any name of its kind', async () => {
  const { code, stdout } = await runCli('calico-rr', ['explain', 'bgpp.reversePeering']);
  assert.equal(code, 0);
  assert.match(stdout, /^KIND {6}BGPPeer\nFIELD {5}spec\.reversePeering\nVALUE {5}Auto or Manual$/m);
  const unknown = await runCli('calico-rr', ['explain', 'bgppeer.spec.reversPeering']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /Did you mean bgppeer\.spec\.reversePeering\?/);
});

test('a session is explained at both ends', async () => {
  const { code, stdout, stderr } = await runCli('calico-rr', ['explain', 'session', 'rr1', 'n1', '-f', RACK]);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^rr1 and n1 have a session, IPv4\.\n\n {2}at rr1 {4}Node_127_0_1_1, iBGP in AS 64512; /,
  );
  assert.match(stdout, /^ {2}asked by {2}BGPPeer\/n1-rr1 \(node: n1, /m);
  assert.match(
    stdout,
    /^ {2}since {5}Every Calico; on etcd v2 it is the key host\/n1\/peer_v4\/127\.0\.0\.11\.$/m,
  );
  assert.equal(stdout.split('\n').filter((line) => line.length > 80).length, 0);
  const words = ['explain', 'session', 'n1', 'n5', '-f', RACK, '-o', 'json'];
  const none = JSON.parse((await runCli('calico-rr', words)).stdout);
  assert.deepEqual(none.sessions, []);
  assert.match(none.absent[0], /mesh is off/);
});

test('who is nobody is told, with who is near', async () => {
  const { code, stderr } = await runCli('calico-rr', ['explain', 'session', 'rr1', 'n1x', '-f', RACK]);
  assert.equal(code, 1);
  assert.match(stderr, /no RouteReflector or Node is named n1x .*\n {2}Did you mean n1 or /);
});
