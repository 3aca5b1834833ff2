/** What is said to whoever mistypes: the word that is near, wherever it stands. Colours only where they are seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../support/cli.ts';
import { runToEnd } from '../support/processes.ts';

const MEANT: readonly (readonly [string, RegExp])[] = [
  ['gett nodes', /unknown command 'gett' \[E_USAGE\]\n {2}Did you mean get\?$/],
  ['rr lst', /Did you mean list\?$/],
  ['bgp peer ad 192.0.2.1 as 1', /Did you mean add\?$/],
  ['get nodes --ouput yaml', /unknown option '--ouput' \[E_USAGE\]\n {2}Did you mean --output\?$/],
  ['get bgpper', /resource type 'bgpper' is not supported\n {2}Did you mean bgppeer\?$/],
  ['bgppeers', /Did you mean calico-rr get bgppeers\?$/],
  ['nodes get n1', /Did you mean calico-rr get nodes n1\?$/],
  ['frobnicate', /See calico-rr --help\.$/],
  ['rr frobnicate', /See calico-rr rr --help\.$/],
  ['explain session n1', /missing required argument 'PEER'.*\n {2}See calico-rr explain session --help\.$/],
];

for (const [line, message] of MEANT) {
  test(`calico-rr ${line}`, async () => {
    const { code, stderr, stdout } = await runCli('calico-rr', line.split(' '));
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
    assert.match(stderr.trimEnd(), message);
  });
}

test('help has bold titles on a terminal, and none with NO_COLOR or in a pipe', async () => {
  const bold = '\u001b[1m';
  const env = { TERM: 'xterm', NO_COLOR: '', FORCE_COLOR: '' };
  const program = `${import.meta.dirname}/../../bin/calico-rr --help`;
  assert.ok((await runToEnd('script', ['-qec', program, '/dev/null'], { env })).includes(bold));
  const plain = { ...env, NO_COLOR: '1' };
  assert.ok(!(await runToEnd('script', ['-qec', program, '/dev/null'], { env: plain })).includes(bold));
  assert.ok(!(await runCli('calico-rr', ['--help'])).stdout.includes(bold));
});
