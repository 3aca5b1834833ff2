/**
 * `npm run image`: the container image from deploy/image/Containerfile, without any registry of images. The base is
 * made of Debian packages and the Node of this checkout; podman is Debian's, unpacked. Needs root (mounts).
 *
 *     .cache/image/calico-rr.oci.tar        the image, an OCI archive: podman load -i, docker load -i, skopeo
 *     .cache/image/sbom.cdx.json            npm packages in it (CycloneDX)
 *     .cache/image/debian-packages.txt      Debian packages in it
 *
 * --fresh makes the base anew, with the packages that Debian has today.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareDebian } from './debian.ts';
import { addHealthcheck } from './oci-layout.ts';
import { type Podman, preparePodman, ULIMITS } from './podman.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const BASE = 'localhost/calico-rr-base';
export const IMAGE = 'localhost/calico-rr';

/** Where `npm run image` keeps things. */
export const IMAGE_FOLDER = join(root, '.cache/image');
export const IMAGE_ARCHIVE = join(IMAGE_FOLDER, 'calico-rr.oci.tar');

/** Papers that nobody reads in a container; licences stay. */
const LEFT_OUT = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/info/*',
];

function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 2, 2],
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}`)),
    );
  });
}

function podman({ command, options, env }: Podman, args: readonly string[]): Promise<void> {
  return run(command, [...options, ...args], env);
}

/** What a command prints, or undefined where it fails. */
function ask(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string | undefined {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  const text = stdout?.trim();
  return status === 0 && text !== '' && text !== 'undefined' ? text : undefined;
}

/** mmdebstrap wants the whole of Perl, which a small Debian may lack. */
async function demandPerl(): Promise<void> {
  if (spawnSync('perl', ['-MFile::Find', '-MPOSIX', '-e', '1']).status === 0) return;
  process.stderr.write(
    'mmdebstrap needs Perl: installing the package perl (nothing is removed or started)\n',
  );
  await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', '--no-remove', 'perl'], {
    DEBIAN_FRONTEND: 'noninteractive',
  });
}

/** Debian with apt, BIRD 2, tini and Node. npm is only a link in it: the build mounts this system's. */
async function makeBase(file: string): Promise<void> {
  await demandPerl();
  const tools = await prepareDebian(['mmdebstrap', 'mmtarfilter']);
  const hooks = join(root, '.cache/debian/packages/mmdebstrap/usr/share/mmdebstrap/hooks/merged-usr');
  const node = join(root, 'node_modules/node/bin/node');
  const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter(existsSync);
  const fresh = `${file}.new.tar`;
  await run(
    tools.mmdebstrap,
    [
      ...['--quiet', '--mode=root', '--variant=apt', `--hook-dir=${hooks}`],
      '--include=usr-is-merged,bird2,tini,ca-certificates',
      ...LEFT_OUT.map((option) => `--dpkgopt=${option}`),
      `--customize-hook=copy-in ${node} /usr/local/bin`,
      '--customize-hook=chroot "$1" mkdir -p /usr/local/lib/node_modules/npm',
      '--customize-hook=chroot "$1" ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
      ...['bookworm', fresh, ...sources.slice(0, 1)],
    ],
    { PATH: `${dirname(tools.mmtarfilter)}:${process.env.PATH ?? ''}` },
  );
  renameSync(fresh, file);
}

/** How npm inside the build reaches what npm reaches out here: its own code, settings, certificates and cache. */
function npmMounts(): readonly string[] {
  // `npm run` tells its scripts; Node's own folder would mislead, for it is the one of this checkout here.
  const { npm_execpath, npm_config_cache, npm_config_userconfig, npm_config_globalconfig } = process.env;
  if (npm_execpath === undefined) throw new Error('start this with `npm run image`');
  const mounts: [from: string | undefined, to: string][] = [
    [dirname(dirname(npm_execpath)), '/usr/local/lib/node_modules/npm:ro'],
    [npm_config_cache, '/root/.npm'],
    [npm_config_userconfig, '/root/.npmrc:ro'],
    [npm_config_globalconfig, '/usr/local/etc/npmrc:ro'],
    ['/etc/ssl/certs', '/etc/ssl/certs:ro'],
  ];
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  return [
    ...mounts.flatMap(([from, to]) =>
      from !== undefined && existsSync(from) ? ['--volume', `${from}:${to}`] : [],
    ),
    ...(authorities === undefined
      ? []
      : [
          '--volume',
          `${authorities}:/run/authorities.pem:ro`,
          '--build-arg',
          'NODE_EXTRA_CA_CERTS=/run/authorities.pem',
        ]),
  ];
}

/** What the build reads. */
const SOURCES = [
  ...['package.json', 'package-lock.json', 'LICENSE', 'tsconfig.json', 'tsconfig.build.json'],
  ...['bin/**/*', 'src/**/*', 'deploy/image/*'],
];

/** The label that tells of which sources an image was built. */
const SOURCES_LABEL = 'io.calico-rr.sources';

function digestOfSources(revision: string): string {
  const hash = createHash('sha256').update(revision);
  for (const file of globSync(SOURCES, { cwd: root }).sort()) {
    const path = join(root, file);
    if (statSync(path).isFile()) hash.update(`\0${file}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

/**
 * Builds the image into podman's storage, unless it is there already, built of the same sources.
 * @param fresh makes the base anew, and the image in any case
 * @returns podman, with the image in it as IMAGE
 */
export async function buildImage(fresh = false): Promise<Podman> {
  if (process.getuid?.() !== 0) throw new Error('building the image needs root, for mounts and namespaces');
  mkdirSync(IMAGE_FOLDER, { recursive: true });
  const base = join(IMAGE_FOLDER, 'base.tar');
  if (fresh || !existsSync(base)) await makeBase(base);
  const tool = await preparePodman(join(IMAGE_FOLDER, 'podman'));
  const revision = ask('git', ['rev-parse', 'HEAD']) ?? 'unknown';
  const sources = digestOfSources(revision);
  if (!fresh && builtOf(tool) === sources) return tool;
  await podman(tool, ['import', '--quiet', base, BASE]);
  const version = ask(process.execPath, ['-p', 'require("./package.json").version']) ?? 'unknown';
  await podman(tool, [
    // Docker's format: the one that has health checks.
    ...['build', '--isolation=oci', '--network=host', '--format=docker', '--layers=false', '--pull=never'],
    ...[...ULIMITS, '--build-arg', `BASE=${BASE}`, '--build-arg', `VERSION=${version}`],
    ...['--build-arg', `REVISION=${revision}`, '--label', `${SOURCES_LABEL}=${sources}`, ...npmMounts()],
    ...['--tag', IMAGE, '--tag', `${IMAGE}:${version}`, '--file', 'deploy/image/Containerfile', '.'],
  ]);
  return tool;
}

/** The sources of the image that is there, if one is. */
function builtOf({ command, options, env }: Podman): string | undefined {
  const format = `{{index .Labels "${SOURCES_LABEL}"}}`;
  return ask(command, [...options, 'image', 'inspect', '--format', format, IMAGE], env);
}

/** As the Containerfile has it. */
function healthcheckOf({ command, options, env }: Podman): unknown {
  const text = ask(command, [...options, 'image', 'inspect', IMAGE], env);
  const [image]: readonly { readonly Healthcheck?: unknown }[] = JSON.parse(text ?? '[]');
  if (image?.Healthcheck === undefined) throw new Error(`${IMAGE} has no health check`);
  return image.Healthcheck;
}

/** Writes the archive and the lists of what is in it. */
export async function saveImage(tool: Podman): Promise<void> {
  rmSync(IMAGE_ARCHIVE, { force: true });
  const layout = join(IMAGE_FOLDER, 'layout');
  rmSync(layout, { recursive: true, force: true });
  await podman(tool, ['save', '--quiet', '--format=oci-dir', '--output', layout, IMAGE]);
  addHealthcheck(layout, healthcheckOf(tool), IMAGE);
  await run('tar', ['--sort=name', '--owner=0', '--group=0', '-cf', IMAGE_ARCHIVE, '-C', layout, '.']);
  rmSync(layout, { recursive: true });
  const container = spawnSync(tool.command, [...tool.options, 'create', IMAGE], {
    encoding: 'utf8',
    env: { ...process.env, ...tool.env },
  }).stdout.trim();
  for (const file of ['sbom.cdx.json', 'debian-packages.txt']) {
    await podman(tool, ['cp', `${container}:/opt/calico-rr/${file}`, join(IMAGE_FOLDER, file)]);
  }
  await podman(tool, ['rm', container]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { fresh: { type: 'boolean', default: false } } });
  try {
    await saveImage(await buildImage(values.fresh));
    const megabytes = statSync(IMAGE_ARCHIVE).size / 1e6;
    process.stdout.write(`${IMAGE_ARCHIVE}  ${megabytes.toFixed(1)} MB\n`);
    process.stdout.write(`load it with: podman load -i ${IMAGE_ARCHIVE}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
