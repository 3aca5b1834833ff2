/**
 * What a person waits for: `get` on an etcd of 10,000 nodes, beside etcdctl reading the same keys from the same etcd,
 * and the first byte of `--help`. Each command is a process of its own, from its start to its end, in turns.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTools, prepareDebian } from '../scripts/debian.ts';
import { type Etcd, startEtcd } from '../test/support/etcd.ts';
import { milliseconds, printResult, quantile } from './result.ts';

const NODES = 10_000;
const RUNS = 9;
const PREFIX = '/calico/resources/v3/projectcalico.org/nodes/';
const ROOT = join(import.meta.dirname, '..');

interface Timed {
  readonly firstByteMs: number;
  readonly endMs: number;
  readonly bytes: number;
}

/** As a shell runs it, from before it is started. */
function time(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Timed> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let firstByteMs: number | undefined;
    let bytes = 0;
    child.stdout.on('data', (data: Buffer) => {
      firstByteMs ??= performance.now() - begin;
      bytes += data.length;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const endMs = performance.now() - begin;
      if (code !== 0 || firstByteMs === undefined)
        reject(new Error(`${command} ${args.join(' ')} ended with ${code} and ${bytes} bytes.`));
      else resolve({ firstByteMs, endMs, bytes });
    });
  });
}

/** A node as calico/node 3.30 stores it: what it says of itself takes the room that it takes there. */
function nodeValue(index: number): string {
  const name = `worker-${String(index).padStart(5, '0')}`;
  return JSON.stringify({
    kind: 'Node',
    apiVersion: 'projectcalico.org/v3',
    metadata: {
      name,
      uid: `7c0b4c1e-6f0a-4a53-9d0e-${String(index).padStart(12, '0')}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        rack: String(index >> 5),
      },
      annotations: { 'projectcalico.org/kube-labels': `{"kubernetes.io/hostname":"${name}"}` },
    },
    spec: {
      bgp: {
        ipv4Address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/16`,
        ipv4IPIPTunnelAddr: `192.168.${(index >> 8) & 255}.${index & 255}`,
      },
      orchRefs: [{ nodeName: name, orchestrator: 'k8s' }],
    },
    status: { podCIDRs: [`10.244.${index & 255}.0/24`] },
  });
}

async function fill(etcd: Etcd): Promise<void> {
  const keys = Array.from({ length: NODES }, (_, index) => index + 1);
  for (let first = 0; first < NODES; first += 100) {
    await Promise.all(
      keys
        .slice(first, first + 100)
        .map((index) => etcd.putV3(`${PREFIX}worker-${String(index).padStart(5, '0')}`, nodeValue(index))),
    );
  }
}

/** As a package is installed, in a folder that is a home as well. */
function install(folder: string): string {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')]);
  for (const file of ['package.json', 'bin/calico-rr']) cpSync(join(ROOT, file), join(folder, file));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'bin/calico-rr');
}

await prepareDebian();
const home = mkdtempSync(join(tmpdir(), 'calico-rr-bench-'));
const etcd = await startEtcd();
try {
  const program = install(home);
  await fill(etcd);
  const [endpoint = ''] = etcd.endpoints;
  const ours = { HOME: home, ETCD_ENDPOINTS: endpoint, DATASTORE_TYPE: 'etcdv3' };
  const theirs = { HOME: home, ETCDCTL_API: '3' };
  const { etcdctl } = debianTools();
  const get = (...words: readonly string[]) => time(program, ['get', 'nodes', ...words], ours);
  const read = () => time(etcdctl, ['--endpoints', endpoint, 'get', '--prefix', PREFIX], theirs);
  const help = () => time(program, ['--help'], { HOME: home });
  // Once each, so that code is compiled and files are in memory.
  await get();
  await read();
  const samples: Record<'keys' | 'table' | 'json' | 'help', number[]> = {
    keys: [],
    table: [],
    json: [],
    help: [],
  };
  let bytes = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const keys = await read();
    bytes = keys.bytes;
    samples.keys.push(keys.endMs);
    samples.table.push((await get('-o', 'wide')).endMs);
    samples.json.push((await get('-o', 'json')).endMs);
    samples.help.push((await help()).firstByteMs);
  }
  const median = (of: readonly number[]): number => quantile(of, 0.5);
  const keys = median(samples.keys);
  const besides = (of: readonly number[]): string =>
    `${milliseconds(median(of))}, ${(median(of) / keys).toFixed(1)} x`;
  const firstByte = median(samples.help);
  printResult({
    title: 'What a person waits for',
    how: `\`calico-rr get nodes\` on an etcd 3.4 of ${NODES.toLocaleString('en')} nodes (${(bytes / 1e6).toFixed(1)} MB of keys and values), beside \`etcdctl get --prefix\` reading the same keys. The program is built as for a package. Each is a process from its start to its end, in turns, ${RUNS} times; medians. etcdctl is a compiled program that copies what it reads; \`get\` starts Node, reads every document and prints a table.`,
    rows: [
      { what: 'etcdctl get --prefix', measured: milliseconds(keys), target: null, met: null },
      {
        what: 'get nodes -o wide',
        measured: besides(samples.table),
        target: '1.5 x',
        met: median(samples.table) <= 1.5 * keys,
      },
      { what: 'get nodes -o json', measured: besides(samples.json), target: null, met: null },
      {
        what: 'first byte of --help',
        measured: milliseconds(firstByte),
        target: '200 ms',
        met: firstByte < 200,
      },
    ],
  });
} finally {
  await etcd.stop();
  rmSync(home, { recursive: true, force: true });
}
