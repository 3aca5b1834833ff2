import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFromEnvironment } from './environment-proxy.ts';

const POD = 'https://10.96.0.1:443';
const NAMED = 'https://api.example:6443';
const V6 = 'https://[fd00:96::1]:6443';

/** Server, HTTPS_PROXY, NO_PROXY, and whether the proxy is used. */
const TABLE: readonly (readonly [string, string, string, boolean])[] = [
  [POD, '', '', false],
  [POD, 'http://proxy:3128', '', true],
  [POD, 'http://proxy:3128', 'other.example, 10.96.0.0/12', false],
  [POD, 'http://proxy:3128', '10.112.0.0/12', true],
  [POD, 'http://proxy:3128', '10.96.0.1', false],
  [POD, 'http://proxy:3128', '10.96.0.1:443', false],
  [POD, 'http://proxy:3128', '10.96.0.1:6443', true],
  [POD, 'http://proxy:3128', '10.96.0.0/99', true],
  [POD, 'http://proxy:3128', '*', false],
  [NAMED, 'http://proxy:3128', 'example', false],
  [NAMED, 'http://proxy:3128', '.example', false],
  [NAMED, 'http://proxy:3128', '*.example', false],
  [NAMED, 'http://proxy:3128', 'API.Example:6443', false],
  [NAMED, 'http://proxy:3128', 'api.example:443', true],
  [NAMED, 'http://proxy:3128', '.api.example', true],
  [NAMED, 'http://proxy:3128', 'ample', true],
  [NAMED, 'http://proxy:3128', '10.0.0.0/8', true],
  [V6, 'http://proxy:3128', 'fd00::/16', false],
  [V6, 'http://proxy:3128', '[fd00:96::1]:6443', false],
  [V6, 'http://proxy:3128', 'fd00:96::1', false],
  [V6, 'http://proxy:3128', 'fd01::/16', true],
  ['https://127.0.0.1:6443', 'http://proxy:3128', '', false],
  ['https://localhost:6443', 'http://proxy:3128', '', false],
];

for (const [server, proxy, except, used] of TABLE) {
  test(`${server} with the proxy "${proxy}" and NO_PROXY "${except}": ${used ? 'through it' : 'directly'}`, () => {
    const env = { HTTPS_PROXY: proxy, NO_PROXY: except };
    assert.equal(proxyFromEnvironment(server, env), used ? proxy : undefined);
  });
}

test('http and https have a proxy each, in either case of letters, with or without a scheme', () => {
  assert.equal(proxyFromEnvironment(NAMED, { https_proxy: 'proxy:3128' }), 'http://proxy:3128');
  assert.equal(proxyFromEnvironment(NAMED, { HTTP_PROXY: 'http://proxy:3128' }), undefined);
  assert.equal(proxyFromEnvironment('http://api.example', { http_proxy: 'http://p' }), 'http://p');
});
