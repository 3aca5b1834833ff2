import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tlsWords } from './tls-probe.ts';

test('what TLS failed of is said without source files, line numbers and advice for programmers', () => {
  for (const [message, words] of [
    [
      '40B7:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:../deps/openssl/rec_layer_s3.c:916:SSL alert number 42\n',
      'the server wants a client certificate that it trusts',
    ],
    [
      '40B7:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/rec_layer_s3.c:1605:SSL alert number 116\n',
      'the server wants a client certificate that it trusts',
    ],
    [
      '40B7:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/ssl3_record.c:354:\n',
      'wrong version number',
    ],
    [
      'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
      'unable to verify the first certificate',
    ],
    [
      "Hostname/IP does not match certificate's altnames",
      "Hostname/IP does not match certificate's altnames",
    ],
  ] as const) {
    assert.equal(tlsWords(message), words);
  }
});
