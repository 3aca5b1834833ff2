/**
 * A certificate authority for one test run: made with openssl in the test's own folder, valid for a day, trusted by
 * nobody else.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianTools } from '../../scripts/debian.ts';

const run = promisify(execFile);

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The authority that server and client are signed by. */
  readonly ca: string;
  readonly server: CertificateFiles;
  readonly client: CertificateFiles;
  /** Another authority, and a client signed by it: what a wrong certificate looks like. */
  readonly otherCa: string;
  readonly otherClient: CertificateFiles;
}

/**
 * Paths of PEM files made in `folder`, which must exist.
 * @param addresses IP addresses that the server's certificate names, besides localhost
 */
export async function makeCertificates(
  folder: string,
  addresses: readonly string[] = ['127.0.0.1'],
): Promise<Certificates> {
  const authority = await makeAuthority(folder, 'ca');
  const other = await makeAuthority(folder, 'other-ca');
  const names = ['DNS:localhost', ...addresses.map((address) => `IP:${address}`)].join(',');
  return {
    ca: authority.cert,
    server: await sign(folder, 'server', authority, `subjectAltName=${names}`),
    client: await sign(folder, 'client', authority, 'extendedKeyUsage=clientAuth'),
    otherCa: other.cert,
    otherClient: await sign(folder, 'other-client', other, 'extendedKeyUsage=clientAuth'),
  };
}

async function makeAuthority(folder: string, name: string): Promise<CertificateFiles> {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) };
  await run(debianTools().openssl, [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', `/CN=calico-rr test ${name}`, '-keyout', files.key, '-out', files.cert],
  ]);
  return files;
}

async function sign(
  folder: string,
  name: string,
  authority: CertificateFiles,
  extension: string,
): Promise<CertificateFiles> {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) };
  const request = join(folder, `${name}.csr`);
  const extensions = join(folder, `${name}.ext`);
  await writeFile(extensions, `${extension}\n`);
  await run(debianTools().openssl, [
    ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    // An organisation and no common name: etcd v3 would take a common name for a user.
    ...['-subj', `/O=${name}`, '-keyout', files.key, '-out', request],
  ]);
  await run(debianTools().openssl, [
    ...['x509', '-req', '-in', request, '-days', '1', '-CA', authority.cert, '-CAkey', authority.key],
    ...['-CAcreateserial', '-extfile', extensions, '-out', files.cert],
  ]);
  return files;
}
