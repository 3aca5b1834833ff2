/**
 * The demo's speakers: a folder of resources as the datastore, one `calico-rr run` for each reflector, and the nodes,
 * each a BGP speaker of its own in this process; all on addresses of 127.0.0.0/8 and an unprivileged port. Speakers that
 * appear in the folder are started; nodes that vanish are ended, while a reflector decides for itself what to make of
 * the loss of its entry. Nothing outside the demo's own folder is touched.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { openFile } from '../../src/datastore/file/file.ts';
import { createNativeEngine, type NativeEngine } from '../../src/engine/native/native-engine.ts';
import type { SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { createTopology } from '../../src/topology/topology.ts';
import { establishedSessions } from './agent-status.ts';
import type { DemoView, LearnedRoute, NodeView, ReflectorView } from './view.ts';

const KINDS = ['Node', 'BGPPeer', 'BGPConfiguration', 'IPPool', 'BlockAffinity', 'RouteReflector'] as const;
const CALICO_RR = join(import.meta.dirname, '../../bin/calico-rr');

/** n9 before n10. */
const byNumber = new Intl.Collator('en', { numeric: true });

export interface Laboratory {
  /** What there is right now. */
  observe(): Promise<DemoView>;
  /** Ends every process that it started. */
  close(): Promise<void>;
}

interface Reflector {
  /** What the datastore asked of it last; what it does is up to its guard. */
  config: SpeakerConfig;
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
}

/** @param folder the demo's own: `resources/` in it is the datastore, every speaker gets a folder beside it */
export function startLaboratory(folder: string, complain: (text: string) => void): Laboratory {
  const resources = join(folder, 'resources');
  const datastore = openFile(resources);
  const topology = createTopology();
  const reflectors = new Map<string, Reflector>();
  const nodes = new Map<string, { readonly engine: NativeEngine; config: SpeakerConfig | null }>();
  const stop = new AbortController();

  async function startReflector(config: SpeakerConfig): Promise<void> {
    const stateDir = join(folder, config.speaker);
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const log = createWriteStream(join(stateDir, 'agent.log'));
    const child = spawn(CALICO_RR, ['run', '--name', config.speaker, '--state-dir', stateDir], {
      // A session of its own: Ctrl-C is for the demo, which then ends everything in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        DATASTORE_TYPE: 'file',
        CALICO_RR_FILE: resources,
        IP: config.ipv4 ?? 'none',
        ...(config.ipv6 === null ? {} : { IP6: config.ipv6 }),
      },
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    const ended = new Promise<void>((resolve) => {
      child.on('exit', (code) => {
        if (code !== 0 && !stop.signal.aborted) {
          complain(`${config.speaker} ended with ${code}: see ${join(stateDir, 'agent.log')}`);
        }
        resolve();
      });
    });
    reflectors.set(config.speaker, { config, process: child, ended });
  }

  async function keepNode(config: SpeakerConfig): Promise<void> {
    let node = nodes.get(config.speaker);
    if (node === undefined) {
      const engine = createNativeEngine({
        stateDir: join(folder, config.speaker),
        nodesWithoutKernel: true,
        log: pino({ level: 'silent' }),
      });
      node = { engine, config: null };
      nodes.set(config.speaker, node);
    }
    if (node.config === config) return;
    node.config = config;
    await node.engine.apply(config, new Map());
  }

  async function reconcile(): Promise<void> {
    const wanted = topology.speakers().map((identity) => topology.speaker(identity).config());
    const names = new Set(wanted.map((config) => config.speaker));
    await Promise.all(
      wanted.map(async (config) => {
        const reflector = reflectors.get(config.speaker);
        if (config.role === 'node') await keepNode(config);
        else if (reflector === undefined) await startReflector(config);
        else reflector.config = config;
      }),
    );
    for (const [name, node] of nodes) {
      if (names.has(name)) continue;
      nodes.delete(name);
      await node.engine.stop('graceful');
    }
  }

  async function follow(): Promise<void> {
    for await (const event of datastore.watch(KINDS, { signal: stop.signal })) {
      if (event.type === 'connection') continue;
      if (event.type === 'snapshot') topology.load(event);
      else topology.apply(event.changes);
      await reconcile();
    }
  }

  const following = follow().catch((error: unknown) => {
    complain(error instanceof Error ? error.message : String(error));
  });

  async function viewOfReflector(config: SpeakerConfig): Promise<ReflectorView> {
    const up = await establishedSessions(join(folder, config.speaker));
    const sessions = config.sessions.map((session) => ({
      peer: `${session.peerName ?? session.peerAddress}${session.family === 6 ? '⁶' : ''}`,
      client: session.client,
      up: up.has(session.name),
    }));
    sessions.sort((one, other) => byNumber.compare(one.peer, other.peer));
    return { name: config.speaker, clusterId: config.clusterId ?? config.routerId, sessions };
  }

  function viewOfNode(config: SpeakerConfig): NodeView {
    const learned = new Map<string, LearnedRoute>();
    for (const { name } of config.sessions) {
      for (const { prefix, nextHop } of nodes.get(config.speaker)?.engine.routesFrom(name) ?? []) {
        learned.set(`${prefix} ${nextHop}`, { prefix, nextHop });
      }
    }
    return { name: config.speaker, blocks: config.blocks, learned: [...learned.values()] };
  }

  return {
    async observe() {
      const configs = [...reflectors.values(), ...nodes.values()]
        .flatMap(({ config }) => (config === null ? [] : [config]))
        .sort((one, other) => byNumber.compare(one.speaker, other.speaker));
      return {
        reflectors: await Promise.all(
          configs.filter(({ role }) => role === 'reflector').map(viewOfReflector),
        ),
        nodes: configs.filter(({ role }) => role === 'node').map(viewOfNode),
      };
    },
    async close() {
      stop.abort();
      await following;
      await datastore.close();
      for (const reflector of reflectors.values()) reflector.process.kill('SIGTERM');
      await Promise.all([
        ...[...reflectors.values()].map(({ ended }) => ended),
        ...[...nodes.values()].map(({ engine }) => engine.stop('graceful')),
      ]);
    },
  };
}
