import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReview, reviewOf } from './review.ts';

const REQUEST = {
  uid: 'u1',
  operation: 'UPDATE',
  resource: { group: '', version: 'v1', resource: 'nodes' },
  object: { metadata: { name: 'n1' } },
};

function review(request: unknown, apiVersion = 'admission.k8s.io/v1'): string {
  return JSON.stringify({ apiVersion, kind: 'AdmissionReview', request });
}

test('a review is read with what it leaves out', () => {
  const request = parseReview(review(REQUEST));
  assert.ok(typeof request !== 'string');
  assert.deepEqual(
    [request.name, request.dryRun, request.oldObject, request.userInfo],
    ['', false, null, { username: '' }],
  );
});

const WRONG: readonly (readonly [string, string, RegExp])[] = [
  ['no JSON', '{', /no AdmissionReview/],
  ['another object', '{"kind": "Pod"}', /no AdmissionReview/],
  [
    'another version',
    review(REQUEST, 'admission.k8s.io/v1beta1'),
    /v1beta1; admissionReviewVersions must list v1/,
  ],
  ['no request', review(null), /not as it should be/],
  ['no uid', review({ ...REQUEST, uid: '' }), /uid/],
  ['an operation that nobody knows', review({ ...REQUEST, operation: 'MOVE' }), /operation/],
];
for (const [what, text, reason] of WRONG) {
  test(`is refused with the reason: ${what}`, () => assert.match(String(parseReview(text)), reason));
}

test('warnings are made as long as an API server passes on', () => {
  const many = Array.from({ length: 20 }, (_, index) => `${index} ${'long\n'.repeat(100)}`);
  const { response } = reviewOf({ uid: 'u1' }, { allowed: true, warnings: many });
  assert.ok(typeof response === 'object' && response !== null && 'warnings' in response);
  const { warnings } = response;
  assert.ok(Array.isArray(warnings));
  assert.equal(warnings.length, 9);
  assert.equal(warnings.at(-1), 'and 12 more');
  for (const text of warnings) assert.ok(String(text).length <= 250 && !String(text).includes('\n'));
});

test('a denial is a 403 with the message; an approval says nothing else', () => {
  assert.deepEqual(reviewOf({ uid: 'u1' }, { allowed: false, message: 'no' }).response, {
    uid: 'u1',
    allowed: false,
    status: { code: 403, reason: 'Forbidden', message: 'no' },
  });
  assert.deepEqual(reviewOf({ uid: 'u1' }, { allowed: true }).response, { uid: 'u1', allowed: true });
});
