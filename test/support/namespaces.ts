/**
 * A laboratory network: every host is a network namespace with one interface, and a bridge in a namespace of its own
 * joins them. Nothing of the system's own network is touched. Names carry the test's process id, so runs do not meet;
 * what a dead run left behind is removed by the next one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { debianTools } from '../../scripts/debian.ts';
import { endOnSignals, type ProcessOptions, type RunningProcess, runToEnd, start } from './processes.ts';

export interface HostPlan {
  readonly name: string;
  /** Address on the shared segment, without length; /24 and /64 are used. */
  readonly ipv4: string;
  readonly ipv6?: string;
  /** Addresses of its workloads, each a /32 or /128 on the loopback interface. */
  readonly workloads?: readonly string[];
}

export interface Host extends HostPlan {
  /** The namespace's name. */
  readonly namespace: string;
  /** Starts a program inside. Its pid is the program's own. */
  start(command: string, args: readonly string[], options?: ProcessOptions): Promise<RunningProcess>;
  /** Runs a program inside to its end; returns its standard output. */
  run(command: string, args: readonly string[], options?: ProcessOptions): Promise<string>;
  /** Ids of all processes inside. */
  pids(): readonly number[];
  /** SIGKILL to all processes inside. */
  killAll(): void;
}

export interface Lab {
  readonly hosts: ReadonlyMap<string, Host>;
  /** @throws Error when there is none of this name */
  host(name: string): Host;
  /** Adds a host to the running network. */
  add(plan: HostPlan): Promise<Host>;
  /** Ends all processes in a host and removes it. */
  remove(name: string): void;
  /** Ends all processes in all hosts and removes everything. Safe to call twice. */
  close(): void;
}

const PREFIX = 'crr';
const ip = (): string => debianTools().ip;

/** Runs `ip` for the teardown, where nothing can be awaited. */
function ipSync(args: readonly string[]): string {
  return spawnSync(ip(), args, { encoding: 'utf8' }).stdout ?? '';
}

function namespacePids(namespace: string): readonly number[] {
  return ipSync(['netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number);
}

function killAll(namespace: string): void {
  for (const pid of namespacePids(namespace)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

function removeNamespace(namespace: string): void {
  killAll(namespace);
  ipSync(['netns', 'delete', namespace]);
}

function existingNamespaces(): readonly string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

/** Removes namespaces of runs whose process is gone (killed with SIGKILL, say). */
function removeStale(): void {
  for (const name of existingNamespaces()) {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamespace(name);
  }
}

/** Kernel settings of a host: forwards, takes addresses at once, learns nothing by itself. */
const SETTINGS = [
  'net/ipv4/ip_forward=1',
  'net/ipv4/conf/all/rp_filter=0',
  'net/ipv4/conf/default/rp_filter=0',
  'net/ipv6/conf/all/forwarding=1',
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv6/conf/all/accept_dad=0',
  'net/ipv6/conf/default/accept_ra=0',
];

export async function createLab(plans: readonly HostPlan[]): Promise<Lab> {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  removeStale();
  const hosts = new Map<string, Host>();
  const nameOf = (host: string): string => `${PREFIX}-${process.pid}-${host}`;
  const bridge = nameOf('switch');

  const close = (): void => {
    for (const name of existingNamespaces()) {
      if (name.startsWith(nameOf(''))) removeNamespace(name);
    }
    hosts.clear();
    process.off('exit', close);
  };
  process.on('exit', close);
  endOnSignals();

  const inside = (
    namespace: string,
    command: string,
    args: readonly string[],
  ): [string, readonly string[]] => ['nsenter', [`--net=/run/netns/${namespace}`, '--', command, ...args]];

  const add = async (plan: HostPlan): Promise<Host> => {
    const namespace = nameOf(plan.name);
    await runToEnd(ip(), ['netns', 'add', namespace]);
    const settings = SETTINGS.map((setting) => {
      const [file, value] = setting.split('=');
      return `echo ${value} > /proc/sys/${file}`;
    });
    await runToEnd(...inside(namespace, 'sh', ['-c', settings.join('; ')]));
    const port = `p-${plan.name}`;
    await batch(bridge, [
      `link add ${port} type veth peer name eth0 netns ${namespace}`,
      `link set ${port} master br0 up`,
    ]);
    await batch(namespace, [
      'link set lo up',
      'link set eth0 up',
      `address add ${plan.ipv4}/24 dev eth0`,
      ...(plan.ipv6 === undefined ? [] : [`address add ${plan.ipv6}/64 dev eth0 nodad`]),
      ...(plan.workloads ?? []).map((address) =>
        address.includes(':')
          ? `address add ${address}/128 dev lo nodad`
          : `address add ${address}/32 dev lo`,
      ),
    ]);
    const host: Host = {
      ...plan,
      namespace,
      start: (command, args, options) => start(...inside(namespace, command, args), options),
      run: (command, args, options) => runToEnd(...inside(namespace, command, args), options),
      pids: () => namespacePids(namespace),
      killAll: () => killAll(namespace),
    };
    hosts.set(plan.name, host);
    return host;
  };

  try {
    await runToEnd(ip(), ['netns', 'add', bridge]);
    await batch(bridge, ['link add br0 type bridge', 'link set br0 up']);
    for (const plan of plans) await add(plan);
  } catch (error) {
    close();
    throw error;
  }
  return {
    hosts,
    host(name) {
      const host = hosts.get(name);
      if (host === undefined) throw new Error(`the lab has no host ${name}`);
      return host;
    },
    add,
    remove(name) {
      removeNamespace(nameOf(name));
      ipSync(['-n', bridge, 'link', 'delete', `p-${name}`]);
      hosts.delete(name);
    },
    close,
  };
}

/** Several `ip` commands in a namespace, in one process. */
async function batch(namespace: string, commands: readonly string[]): Promise<void> {
  const text = commands.map((command) => `${command}\n`).join('');
  await runToEnd('sh', ['-c', 'printf %s "$1" | "$2" -n "$3" -batch -', 'sh', text, ip(), namespace]);
}
