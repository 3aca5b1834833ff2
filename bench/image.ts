/**
 * How long a container of the image takes to listen on BGP's port, from the call of `podman run` on, and how large the
 * archive is. The etcd that it reads holds one reflector and one node. Needs root.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage, IMAGE, IMAGE_ARCHIVE, saveImage } from '../scripts/image.ts';
import { ULIMITS } from '../scripts/podman.ts';
import { startLabEtcd } from '../test/support/lab-etcd.ts';
import { createLab, type Host } from '../test/support/namespaces.ts';
import { until } from '../test/support/until.ts';
import { milliseconds, printResult, quantile } from './result.ts';

const RUNS = 5;
const ADDRESS = '10.0.0.250';
const BGP_PORT = '00B3';

/** Whether anything in the host's network listens on BGP's port. */
async function listens(host: Host): Promise<boolean> {
  const table = await host.run('cat', ['/proc/net/tcp']);
  return table.split('\n').some((line) => new RegExp(`^ *\\d+: [0-9A-F]{8}:${BGP_PORT} .* 0A `).test(line));
}

const podman = await buildImage();
await saveImage(podman);
const folder = mkdtempSync(join(tmpdir(), 'calico-rr-bench-image-'));
const lab = await createLab([{ name: 'h1', ipv4: ADDRESS }]);
const host = lab.host('h1');
const call = (...words: readonly string[]): Promise<string> =>
  host.run(podman.command, [...podman.options, ...words], { env: podman.env });

const listening: number[] = [];
try {
  const etcd = await startLabEtcd(host, join(folder, 'etcd'));
  await etcd.put([
    [`/calico/bgp/v1/rr_v4/${ADDRESS}`, `{"ip":"${ADDRESS}","cluster_id":"1.0.0.1"}`],
    ['/calico/bgp/v1/host/n1/ip_addr_v4', '10.0.0.1'],
    [`/calico/bgp/v1/host/n1/peer_v4/${ADDRESS}`, `{"ip":"${ADDRESS}","as_num":"64512"}`],
  ]);
  const options = ['run', '--net=host', '--no-healthcheck', ...ULIMITS];
  for (let index = 0; index < RUNS; index += 1) {
    const start = performance.now();
    const name = `bench-${process.pid}`;
    const environment = ['-e', `IP=${ADDRESS}`, '-e', `ETCD_ENDPOINTS=${etcd.url}`];
    await call(...options, '-d', '--name', name, ...environment, IMAGE);
    await until(() => listens(host), 'the container to listen on port 179', 30_000);
    listening.push(performance.now() - start);
    await call('rm', '-f', '-v', '-t', '0', name);
    await until(async () => !(await listens(host)), 'the port to be free again', 30_000);
  }
} finally {
  lab.close();
  rmSync(folder, { recursive: true, force: true });
}

const whole = quantile(listening, 0.5);
const megabytes = statSync(IMAGE_ARCHIVE).size / 1e6;
printResult({
  title: 'The container image',
  how: `Medians of ${RUNS} runs of \`podman run\`, to the listening socket on port 179. The etcd that it reads runs beside it.`,
  rows: [
    {
      what: 'start to listening, podman included',
      measured: milliseconds(whole),
      target: '1 s',
      met: whole < 1000,
    },
    { what: 'archive', measured: `${megabytes.toFixed(1)} MB`, target: '90 MB', met: megabytes < 90 },
  ],
});
