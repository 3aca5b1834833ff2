/** Containers of the image on hosts of the laboratory, started with the very commands that a person would type. */
import type { Podman } from '../../scripts/podman.ts';
import { ULIMITS } from '../../scripts/podman.ts';
import type { Host } from './namespaces.ts';
import { until } from './until.ts';

export interface ContainerSession {
  readonly name: string;
  readonly state: string;
}

export interface Container {
  readonly host: Host;
  /** Runs a command in it; returns its standard output. */
  exec(...command: readonly string[]): Promise<string>;
  /** Sessions of `calico-rr status -o json`; empty while it does not answer. */
  sessions(): Promise<readonly ContainerSession[]>;
  /** SIGTERM, as `docker stop` does; resolves when it ended. */
  stop(): Promise<void>;
  /** `docker start`: the same container again, with its state. */
  start(): Promise<void>;
  logs(): Promise<string>;
  /** Ends and removes it with its volumes. */
  remove(): Promise<void>;
}

/** Seconds between SIGTERM and SIGKILL. */
const STOP_SECONDS = 20;

/**
 * `podman run --net=host -d` on a host, whose network namespace is then the container's.
 * @param args options of `run`, such as `-e IP=...`
 */
export async function runContainer(
  podman: Podman,
  host: Host,
  image: string,
  args: readonly string[],
): Promise<Container> {
  const call = (...words: readonly string[]): Promise<string> =>
    host.run(podman.command, [...podman.options, ...words], { env: podman.env });
  const name = host.namespace;
  // Health checks are systemd's timers with podman; there is no systemd in a laboratory.
  await call('run', '--net=host', '-d', '--name', name, '--no-healthcheck', ...ULIMITS, ...args, image);
  const exec = (...command: readonly string[]): Promise<string> => call('exec', name, ...command);
  return {
    host,
    exec,
    async sessions() {
      const text = await exec('calico-rr', 'status', '-o', 'json').catch(() => undefined);
      if (text === undefined) return [];
      const status: { readonly sessions: readonly ContainerSession[] } = JSON.parse(text);
      return status.sessions;
    },
    stop: async () => void (await call('stop', '-t', String(STOP_SECONDS), name)),
    start: async () => void (await call('start', name)),
    logs: () => call('logs', name),
    remove: async () => void (await call('rm', '-f', '-v', '-t', '0', name)),
  };
}

/** Waits until these sessions of it are Established, whatever others it has. */
export async function untilContainerEstablished(
  container: Container,
  names: readonly string[],
  ms: number,
): Promise<void> {
  const missing = async (): Promise<readonly string[]> => {
    const sessions = await container.sessions();
    const up = new Set(sessions.filter(({ state }) => state === 'Established').map(({ name }) => name));
    return names.filter((name) => !up.has(name));
  };
  await until(
    async () => (await missing()).length === 0,
    async () =>
      `${(await missing()).join(', ')} of the container on ${container.host.name}\n${await container.logs()}`,
    ms,
  );
}
