/**
 * Podman without an installation: Debian's, unpacked, with images, containers and settings in a folder of its own.
 * Nothing of a podman that the system may have is read or changed. Needs root.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDebian } from './debian.ts';

export interface Podman {
  readonly command: string;
  /** Stand before every subcommand. */
  readonly options: readonly string[];
  /** To be added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** What this kernel's containers must not ask more of; for `build` and `run`. */
export const ULIMITS = ['--ulimit', 'nofile=1024:20000', '--ulimit', 'nproc=1024:1024'] as const;

/** @param folder where everything is kept; remove it with `podman system reset` or, when nothing runs, with rm */
export async function preparePodman(folder: string): Promise<Podman> {
  const tools = await prepareDebian(['podman', 'conmon', 'runc']);
  const settings = join(folder, 'home/.config/containers');
  mkdirSync(settings, { recursive: true });
  // Only images that we make are ever used, and nothing is pulled.
  writeFileSync(join(settings, 'policy.json'), '{"default": [{"type": "insecureAcceptAnything"}]}\n');
  return {
    command: tools.podman,
    options: [
      ...['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')],
      ...['--storage-driver', 'overlay', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
      ...['--conmon', tools.conmon, '--runtime', tools.runc],
    ],
    env: { HOME: join(folder, 'home') },
  };
}
