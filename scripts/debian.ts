/**
 * The daemons and tools that tests, demo and benches need, as Debian packages unpacked under .cache/debian
 * together with the libraries that they lack. Nothing in the system is installed, removed or started, and no
 * root is needed: `apt-get install bird` would remove bird2, and several of these packages start a daemon when
 * they are installed.
 *
 *     .cache/debian/bin/NAME         runnable wrappers (they exec, so pid and signals are the program's own)
 *     .cache/debian/packages/NAME    what a package holds
 *     .cache/debian/libs             libraries that this system lacks, for all of them
 *     .cache/debian/stamps/NAME      says what was unpacked; remove one to have it fetched again
 *
 * Other BGP daemons, which only benches and interop tests meet, are fetched when they are asked for by name.
 *
 * As a command, `npm run prepare:debian [NAME...]` prepares and prints where things are.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPackages } from './debian-packages.ts';

interface Program {
  readonly package: string;
  /** Path inside the package. */
  readonly file: string;
  /** Name under which the system may have it already; then that one is used. */
  readonly system?: string;
  /** Folder of the package that holds libraries of its own, after usr/lib/TRIPLET. */
  readonly ownLibraries?: string;
  /** True: only prepared when it is asked for by name. */
  readonly onRequest?: true;
  /** True: a script, whose interpreter is the system's. */
  readonly script?: true;
}

/** Every program by the name that it has here. */
const PROGRAMS = {
  bird2: { package: 'bird2', file: 'usr/sbin/bird' },
  birdc2: { package: 'bird2', file: 'usr/sbin/birdc' },
  bird1: { package: 'bird', file: 'usr/sbin/bird' },
  'bird1-6': { package: 'bird', file: 'usr/sbin/bird6' },
  birdc1: { package: 'bird', file: 'usr/sbin/birdc' },
  'birdc1-6': { package: 'bird', file: 'usr/sbin/birdc6' },
  etcd: { package: 'etcd-server', file: 'usr/bin/etcd' },
  etcdctl: { package: 'etcd-client', file: 'usr/bin/etcdctl' },
  ip: { package: 'iproute2', file: 'bin/ip', system: 'ip' },
  ping: { package: 'iputils-ping', file: 'bin/ping', system: 'ping' },
  openssl: { package: 'openssl', file: 'usr/bin/openssl', system: 'openssl' },
  curl: { package: 'curl', file: 'usr/bin/curl', system: 'curl' },
  'frr-bgpd': { package: 'frr', file: 'usr/lib/frr/bgpd', ownLibraries: 'frr', onRequest: true },
  'frr-zebra': { package: 'frr', file: 'usr/lib/frr/zebra', ownLibraries: 'frr', onRequest: true },
  vtysh: { package: 'frr', file: 'usr/bin/vtysh', ownLibraries: 'frr', onRequest: true },
  gobgpd: { package: 'gobgpd', file: 'usr/bin/gobgpd', onRequest: true },
  gobgp: { package: 'gobgpd', file: 'usr/bin/gobgp', onRequest: true },
  openbgpd: { package: 'openbgpd', file: 'usr/sbin/bgpd', onRequest: true },
  openbgpctl: { package: 'openbgpd', file: 'usr/sbin/bgpctl', onRequest: true },
  podman: { package: 'podman', file: 'usr/bin/podman', onRequest: true },
  conmon: { package: 'conmon', file: 'usr/bin/conmon', onRequest: true },
  runc: { package: 'runc', file: 'usr/sbin/runc', onRequest: true },
  zsh: { package: 'zsh', file: 'bin/zsh', system: 'zsh', onRequest: true },
  fish: { package: 'fish', file: 'usr/bin/fish', system: 'fish', onRequest: true },
  mmdebstrap: { package: 'mmdebstrap', file: 'usr/bin/mmdebstrap', onRequest: true, script: true },
  mmtarfilter: { package: 'mmdebstrap', file: 'usr/bin/mmtarfilter', onRequest: true, script: true },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof PROGRAMS;

/** A library to preload, not a program. */
const FAKETIME = { package: 'libfaketime', name: 'libfaketime.so.1' } as const;

export type ToolName = ProgramName | 'libfaketime';

/** Absolute path of each tool. */
export type DebianTools = Readonly<Record<ToolName, string>>;

const root = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache/debian');
const bin = join(root, 'bin');
const libs = join(root, 'libs');

/** Bump when wrappers or layout change, so that what an older checkout unpacked is made anew. */
const LAYOUT = 3;

const TOOL_NAMES: readonly ToolName[] = [...programNames(), 'libfaketime'];

/** What is prepared where nothing is named. */
const ORDINARY_TOOL_NAMES = TOOL_NAMES.filter(
  (name) => name === 'libfaketime' || programOf(name).onRequest !== true,
);

function programNames(): readonly ProgramName[] {
  return Object.keys(PROGRAMS).filter((name): name is ProgramName => name in PROGRAMS);
}

function programOf(name: ProgramName): Program {
  return PROGRAMS[name];
}

/** Where the system has a program, root's folders included (Debian leaves them out of a user's PATH). */
function findInSystem(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders
    .filter((folder) => folder.startsWith('/') && !folder.startsWith(root))
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

function triplet(): string {
  const known: Record<string, string> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
  return known[process.arch] ?? `${process.arch}-linux-gnu`;
}

/** Paths of all tools, whether they are prepared or not. Cheap; touches nothing. */
export function debianTools(): DebianTools {
  const path = (name: ProgramName): string => {
    const { system } = programOf(name);
    return (system === undefined ? undefined : findInSystem(system)) ?? join(bin, name);
  };
  return {
    bird2: path('bird2'),
    birdc2: path('birdc2'),
    bird1: path('bird1'),
    'bird1-6': path('bird1-6'),
    birdc1: path('birdc1'),
    'birdc1-6': path('birdc1-6'),
    etcd: path('etcd'),
    etcdctl: path('etcdctl'),
    ip: path('ip'),
    ping: path('ping'),
    openssl: path('openssl'),
    curl: path('curl'),
    'frr-bgpd': path('frr-bgpd'),
    'frr-zebra': path('frr-zebra'),
    vtysh: path('vtysh'),
    gobgpd: path('gobgpd'),
    gobgp: path('gobgp'),
    openbgpd: path('openbgpd'),
    openbgpctl: path('openbgpctl'),
    podman: path('podman'),
    conmon: path('conmon'),
    runc: path('runc'),
    zsh: path('zsh'),
    fish: path('fish'),
    mmdebstrap: path('mmdebstrap'),
    mmtarfilter: path('mmtarfilter'),
    libfaketime: join(root, 'packages', FAKETIME.package, 'usr/lib', triplet(), 'faketime', FAKETIME.name),
  };
}

/** Packages that the named tools need and that are not there yet. */
function missingPackages(names: readonly ToolName[]): readonly string[] {
  const packages = names.flatMap((name) => {
    if (name === 'libfaketime') return [FAKETIME.package];
    const program = programOf(name);
    return program.system !== undefined && findInSystem(program.system) !== undefined
      ? []
      : [program.package];
  });
  return [...new Set(packages)].filter((name) => !isPrepared(name)).sort();
}

function stampOf(packageName: string): string {
  return join(root, 'stamps', packageName);
}

/** A stamp names the layout and this very folder, because wrappers hold absolute paths. */
function isPrepared(packageName: string): boolean {
  try {
    return readFileSync(stampOf(packageName), 'utf8').startsWith(`layout ${LAYOUT} in ${root}\n`);
  } catch {
    return false;
  }
}

/**
 * Makes the named tools (by default those that tests and demo always need) ready to run and returns their
 * paths. Fast when there is nothing to do; safe when several processes ask at once.
 * @throws Error naming the packages that could not be had, and what to do
 */
export async function prepareDebian(names: readonly ToolName[] = ORDINARY_TOOL_NAMES): Promise<DebianTools> {
  if (missingPackages(names).length === 0) return debianTools();
  mkdirSync(join(root, 'stamps'), { recursive: true });
  const release = await lock(join(root, 'lock'));
  try {
    const packages = missingPackages(names);
    if (packages.length > 0) {
      process.stderr.write(`unpacking ${packages.join(', ')} under ${root} (nothing is installed)\n`);
      const versions = await fetchPackages(root, packages);
      for (const name of packages) finish(name, versions);
    }
  } finally {
    release();
  }
  return debianTools();
}

/** Writes a package's wrappers, checks that what they start finds its libraries, and stamps it. */
function finish(packageName: string, versions: ReadonlyMap<string, string>): void {
  for (const name of programNames()) {
    const program = programOf(name);
    if (program.package === packageName)
      writeWrapper(name, join(root, 'packages', packageName, program.file));
  }
  const unpacked = [...versions].map(([name, version]) => `${name} ${version}\n`).join('');
  writeAtomically(stampOf(packageName), `layout ${LAYOUT} in ${root}\n${unpacked}`, 0o644);
}

function writeWrapper(name: ProgramName, target: string): void {
  const folders = libraryFolders(name).join(':');
  if (programOf(name).script !== true) demandLibraries(target, folders);
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [
    '#!/bin/sh',
    '# Written by scripts/debian.ts.',
    `LD_LIBRARY_PATH=${quoted(folders)}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`,
    'export LD_LIBRARY_PATH',
    // Debian's etcd asks for this on every architecture but amd64.
    ...(name === 'etcd' && process.arch !== 'x64' ? [`export ETCD_UNSUPPORTED_ARCH=${process.arch}`] : []),
    `exec ${quoted(target)} "$@"`,
  ];
  mkdirSync(bin, { recursive: true });
  writeAtomically(join(bin, name), `${lines.join('\n')}\n`, 0o755);
}

/** @throws Error when a program would not find a library of its own */
function demandLibraries(target: string, folders: string): void {
  const missing = execFileSync('ldd', [target], {
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: folders },
    // `ldd` ends with 1 for a static program and says so on stderr.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
    .split('\n')
    .filter((line) => line.includes('not found'));
  if (missing.length > 0) {
    throw new Error(
      `${target} lacks libraries: ${missing.map((line) => line.trim()).join('; ')}. ` +
        'They should have come with its package; these packages are meant for Debian 12.',
    );
  }
}

/**
 * Folders of the shared objects that a program finds beside the system's: its package's own, then those under
 * libs, where Debian uses both /lib and /usr/lib.
 */
function libraryFolders(name: ProgramName): readonly string[] {
  const { package: packageName, ownLibraries } = programOf(name);
  const own =
    ownLibraries === undefined
      ? []
      : [join(root, 'packages', packageName, 'usr/lib', triplet(), ownLibraries)];
  return [...own, join(libs, 'usr/lib', triplet()), join(libs, 'lib', triplet())].filter(
    (folder) => existsSync(folder) && readdirSync(folder).length > 0,
  );
}

function writeAtomically(path: string, text: string, mode: number): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

/**
 * Takes an exclusive lock that the kernel frees when this process ends, however it ends: flock(1) holds it for
 * a `cat` that lives as long as our end of its standard input is open.
 */
async function lock(path: string): Promise<() => void> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('error', reject);
    holder.once('exit', (code) => reject(new Error(`flock ${path} ended with ${code ?? 'a signal'}`)));
  });
  return () => holder.stdin.end();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const asked = process.argv.slice(2);
  const names = asked.length === 0 ? ORDINARY_TOOL_NAMES : TOOL_NAMES.filter((name) => asked.includes(name));
  const unknown = asked.filter((name) => !TOOL_NAMES.some((known) => known === name));
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(', ')}. There is: ${TOOL_NAMES.join(', ')}\n`);
    process.exit(2);
  }
  try {
    const tools = await prepareDebian(names);
    for (const name of names) process.stdout.write(`${name.padEnd(12)} ${tools[name]}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
