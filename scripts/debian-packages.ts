/**
 * Fetches Debian packages with apt-get's download and unpacks them with dpkg, without root and without the
 * system's package database being touched. Where the system's package lists are absent or stale, apt-get is given
 * a state folder of its own.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd, maxBuffer: 64 << 20, env: { ...process.env, LC_ALL: 'C' } },
      (error: ExecFileException | null, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
      },
    );
  });
}

/** How apt is called: with the system's lists, or with lists of our own. */
type AptOptions = readonly string[];

const SYSTEM_LISTS: AptOptions = ['-o', 'APT::Sandbox::User=root'];

function ownLists(root: string): AptOptions {
  const folder = join(root, 'apt');
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true });
  return [
    ...SYSTEM_LISTS,
    ...['-o', `Dir::State=${folder}`],
    ...['-o', `Dir::Cache=${join(folder, 'cache')}`],
    ...['-o', 'Dir::State::status=/var/lib/dpkg/status'],
    ...['-o', 'Debug::NoLocking=1'],
  ];
}

/** Shared libraries that `packages` need, directly or not, and that this system does not have. */
async function missingLibraries(
  apt: AptOptions,
  packages: readonly string[],
  cwd: string,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const visited = new Set(packages);
  const queue = [...packages];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const shown = await run('apt-cache', [...apt, 'depends', '--important', name], cwd);
    const libraries = [...shown.stdout.matchAll(/^ [ |](?:Pre)?Depends: (lib[a-z0-9.+-]+)$/gm)].map(
      (match) => match[1] ?? '',
    );
    for (const library of libraries) {
      if (visited.has(library)) continue;
      visited.add(library);
      // What is installed has its own dependencies installed.
      const status = await run('dpkg-query', ['-s', library], cwd);
      if (/^Status: .* installed$/m.test(status.stdout)) continue;
      found.add(library);
      queue.push(library);
    }
  }
  return [...found].sort();
}

/** Downloads into `folder`, which is empty before. Returns what went wrong, or undefined. */
async function download(
  apt: AptOptions,
  packages: readonly string[],
  folder: string,
): Promise<string | undefined> {
  const libraries = await missingLibraries(apt, packages, folder);
  const result = await run('apt-get', [...apt, '-q', 'download', ...packages, ...libraries], folder);
  return result.code === 0 ? undefined : result.stderr.trim();
}

/**
 * Fetches `packages` and the libraries that they lack, and unpacks them under `root`: each package under
 * packages/NAME, the libraries together under libs.
 * @returns versions by package name
 * @throws Error naming what could not be had and what to do
 */
export async function fetchPackages(
  root: string,
  packages: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  mkdirSync(root, { recursive: true });
  const work = mkdtempSync(join(root, 'download-'));
  try {
    const first = await download(SYSTEM_LISTS, packages, work);
    if (first !== undefined) {
      // The system's lists are absent, or name versions that the mirror no longer has.
      for (const file of readdirSync(work)) rmSync(join(work, file));
      const own = ownLists(root);
      const update = await run('apt-get', [...own, '-q', 'update'], work);
      const second = await download(own, packages, work);
      if (second !== undefined) throw new Error(explain(packages, [first, update.stderr.trim(), second]));
    }
    return await unpack(root, work, packages);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function explain(packages: readonly string[], messages: readonly string[]): string {
  const told = [...new Set(messages.flatMap((message) => message.split('\n')))].filter((line) => line !== '');
  return [
    `cannot fetch the Debian packages ${packages.join(', ')}.`,
    ...told.slice(0, 12).map((line) => `  apt-get: ${line}`),
    'They are needed once; afterwards everything runs offline. Check that this is Debian 12, that its sources',
    '(/etc/apt/sources.list*) name the "main" component, and that the mirror can be reached, then try again.',
  ].join('\n');
}

async function unpack(
  root: string,
  work: string,
  packages: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    const fields = await run('dpkg-deb', ['-f', file, 'Package', 'Version'], work);
    const name = /^Package: (.+)$/m.exec(fields.stdout)?.[1];
    const version = /^Version: (.+)$/m.exec(fields.stdout)?.[1];
    if (name === undefined || version === undefined)
      throw new Error(`${file} is no Debian package: ${fields.stderr}`);
    versions.set(name, version);
    if (packages.includes(name)) {
      // Unpacked beside its place and renamed, so that a program that runs from there is never half replaced.
      const target = join(root, 'packages', name);
      const fresh = `${target}.new`;
      rmSync(fresh, { recursive: true, force: true });
      mkdirSync(fresh, { recursive: true });
      await extract(file, fresh, work);
      rmSync(target, { recursive: true, force: true });
      renameSync(fresh, target);
    } else {
      mkdirSync(join(root, 'libs'), { recursive: true });
      await extract(file, join(root, 'libs'), work);
    }
  }
  return versions;
}

async function extract(file: string, target: string, work: string): Promise<void> {
  const result = await run('dpkg-deb', ['-x', file, target], work);
  if (result.code !== 0) throw new Error(`cannot unpack ${file} into ${target}: ${result.stderr.trim()}`);
}
