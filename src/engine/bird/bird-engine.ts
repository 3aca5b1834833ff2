/**
 * The Engine seam on BIRD 2: a daemon driven over its control socket. A new state is written beside the old
 * one, judged by BIRD, moved into its place in one step, loaded, waited for, and compared with what then runs.
 * Whatever fails on the way leaves the running configuration alone.
 *
 * docs/engine-bird.md tells what is rendered and why. The parts: render (the text), refusals (what BIRD does
 * not take), daemon (the process), ownership (whose it is), verify (what really runs).
 */
import { unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import {
  type ApplyReport,
  type DrainRequest,
  type Engine,
  type EngineEvent,
  type EngineState,
  notRunning,
  type SessionOutcome,
  type StopMode,
} from '../engine.ts';
import { type ProcessLock, takeProcessLock } from '../process-lock.ts';
import { readIfThere } from '../read-if-there.ts';
import { shutdownText } from '../shutdown-text.ts';
import { awayPeers } from './away-peers.ts';
import { type BirdVersion, birdVersion, parseComplaint } from './binary.ts';
import { digestIn, sessionBlocksIn, stage } from './config-file.ts';
import type { ControlSocket } from './control-socket.ts';
import { createDaemon } from './daemon.ts';
import { judgeSessions, type Refusal } from './judge.ts';
import { tunnelWarnings } from './kernel-export.ts';
import { lostRoutesOf } from './lost-routes.ts';
import { type BirdEngineOptions, type DrainStage, resolveRenderOptions } from './options.ts';
import { watchOrigins } from './origin-watch.ts';
import { outcomes } from './outcome.ts';
import {
  configPathOf,
  foreignError,
  runningDigest,
  runningInstance,
  runningText,
  saveForeign,
} from './ownership.ts';
import { prefixWarnings } from './prefix-warnings.ts';
import { createRefusals } from './refusals.ts';
import { instanceMark, type Rendered, renderSections, sessionTextsOf, withoutOwners } from './render.ts';
import { parseProtocols, parseRouteCounts, sessionStateOf } from './replies.ts';
import { bgpRows, daemonStatus, gaveUp, type Rows, SETTLE_TIMEOUT_MS, verifyRunning } from './verify.ts';

export type { BirdEngineOptions, RenderOptions } from './options.ts';
export { renderBird } from './render.ts';

/** `show protocols all` of thousands of sessions is megabytes: limits are looked at this often. */
const COUNT_EVERY_MS = 60_000;

/** Starts nothing and touches nothing yet: the first `apply` does. */
export function createBirdEngine(options: BirdEngineOptions): Engine {
  const directory = resolve(options.stateDir);
  const binary = options.binary.includes('/') ? resolve(options.binary) : options.binary;
  const attached = options.socketPath !== undefined;
  const socket = options.socketPath ?? join(directory, 'bird.ctl');
  const adoptedMark = join(directory, 'adopted');
  const resolved = resolveRenderOptions(options);
  const log = options.log;

  let configPath = options.configPath ?? join(directory, 'bird.conf');
  let lock: ProcessLock | undefined;
  let version: BirdVersion | undefined;
  let drainStage: DrainStage = 'off';
  /** True for a daemon that we did not start: it is never started and never stopped by us. */
  let foreign = attached;
  /** Text that the daemon surely runs. */
  let runs: string | undefined;
  /** What it was last given, whatever became of it. */
  let given: Rendered | undefined;
  /** What it is brought back with, where that is less. */
  let returning: Rendered | undefined;
  /** Peers hold routes that another engine told them. */
  let inherited = false;
  /** It was told that others gave it another. */
  let alterationTold = false;
  /** What was applied last. */
  let applied:
    | { readonly config: SpeakerConfig; readonly passwords: ReadonlyMap<string, string> }
    | undefined;
  let limitWarnings: readonly Problem[] = [];
  let countedAt = Number.NEGATIVE_INFINITY;
  const refusals = createRefusals(binary, directory, () => configPath);
  const away = awayPeers(directory, (error) =>
    log.warn(
      { reason: messageOf(error) },
      'which peers are away cannot be noted: a restart will wait for them',
    ),
  );
  const listeners: ((event: EngineEvent) => void)[] = [];
  const origins = watchOrigins(
    () =>
      exclusively(async () => {
        // What is not there yet is told with the next apply.
        if (applied !== undefined && daemon.control() !== undefined) {
          await applyNow(applied.config, applied.passwords);
        }
      }),
    log,
  );

  let queue: Promise<unknown> = Promise.resolve();
  /** How much is under way or waits. */
  let busy = 0;
  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    busy += 1;
    const result = queue.then(work).finally(() => {
      busy -= 1;
    });
    queue = result.catch(() => {});
    return result;
  }

  function tell(event: EngineEvent): void {
    if (event.type === 'exited') runs = undefined;
    for (const listener of listeners) listener(event);
  }

  const daemon = createDaemon(
    { binary, directory, socket },
    {
      mayStart: () => !foreign,
      exclusively,
      beforeReturn: prepareReturn,
      onReturn: async () => {
        const control = daemon.control();
        if (control === undefined) return;
        const owner = await runningInstance(control);
        if (owner !== instanceMark(options.instance)) {
          // Somebody else's by now. The next apply says so, and adopts it where it may.
          daemon.detach();
          throw foreignError(socket, owner);
        }
        if (returning === undefined || given === undefined) runs = await runningText(control, configPath);
        else await addAway(control, returning, given);
      },
      onEvent: tell,
    },
    log,
  );

  /** A file that somebody changed by hand must not keep a daemon that died from coming back. */
  async function putFileRight(): Promise<void> {
    if (given === undefined || (await readIfThere(configPath).catch(() => undefined)) === given.text) return;
    log.warn({ file: configPath }, 'the configuration file was changed by others; it is written anew');
    await install(given);
  }

  async function install({ text }: Rendered): Promise<void> {
    await (await stage(configPath, text)).install();
  }

  async function prepareReturn(): Promise<void> {
    await putFileRight();
    const first = given === undefined ? undefined : await withoutAway(given);
    returning = first === given ? undefined : first;
    if (returning !== undefined) await install(returning);
  }

  /** What BIRD is started with where peers hold our routes: those that are away are not to be waited for. */
  async function withoutAway(rendered: Rendered): Promise<Rendered> {
    await away.read();
    const names = [...sessionTextsOf(rendered).keys()].filter((name) => away.names().has(name));
    if (names.length === 0) return rendered;
    log.info({ sessions: names }, 'peers that have been away are not waited for');
    return withoutOwners(rendered, new Set(names));
  }

  /** It runs without those that are away, and gets them, too. */
  async function addAway(control: ControlSocket, first: Rendered, whole: Rendered): Promise<void> {
    runs = undefined;
    await install(whole);
    await configure(control, first.text);
    runs = whole.text;
  }

  /**
   * What we remember of a daemon that answers still holds, or is forgotten: whoever has its control socket can give
   * it another configuration.
   * @throws E_ENGINE_FOREIGN where others have taken over a daemon that was theirs before
   */
  async function recall(control: ControlSocket): Promise<void> {
    if (runs === undefined || (await runningDigest(control)) === digestIn(runs)) return;
    const owner = await runningInstance(control);
    if (foreign && owner !== instanceMark(options.instance)) {
      daemon.detach();
      runs = undefined;
      throw foreignError(socket, owner);
    }
    log.warn({ instance: owner }, 'BIRD was given another configuration by others; it is put right');
    runs = undefined;
  }

  async function noticeAlteration(control: ControlSocket, rows: Rows): Promise<void> {
    const remembered = runs;
    if (busy > 0 || alterationTold || remembered === undefined) return;
    const sessionLost = drainStage !== 'stopped' && [...rows.values()].some(gaveUp);
    const digest = await runningDigest(control);
    if (busy > 0 || runs !== remembered || (!sessionLost && digest === digestIn(remembered))) return;
    alterationTold = true;
    tell({ type: 'altered' });
  }

  function takenBy(pid: string): CalicoRrError {
    return new CalicoRrError('E_STATE_DIR', `process ${pid} already runs an engine on ${directory}`, {
      hint: 'End that one, or give this one a directory of its own with --state-dir.',
    });
  }

  async function prepare(): Promise<void> {
    lock ??= await takeProcessLock(join(directory, 'engine.lock'), takenBy);
    version ??= await birdVersion(binary);
  }

  /**
   * Connects to a daemon that lives already, and learns whose it is and what it runs.
   * @param adopting what a foreign daemon is going to run, where it may be adopted
   * @throws E_ENGINE_FOREIGN
   */
  async function attach(adopting: Rendered | undefined): Promise<ControlSocket | undefined> {
    const known = daemon.control();
    if (known !== undefined) return known;
    const found = (await daemon.attach()) ? daemon.control() : undefined;
    if (found === undefined) {
      if (!attached) return undefined;
      throw new CalicoRrError('E_ENGINE_START', `no BIRD answers on ${socket}`, {
        hint: 'Start it, or leave out the socket and let calico-rr run a BIRD of its own.',
      });
    }
    try {
      const owner = await runningInstance(found);
      foreign = attached || (await readIfThere(adoptedMark)) !== undefined;
      const ours = owner === instanceMark(options.instance);
      if (!ours && (options.adopt !== true || adopting === undefined)) throw foreignError(socket, owner);
      if ((attached || !ours) && options.configPath === undefined) configPath = await configPathOf(found);
      if (!ours && adopting !== undefined) {
        await saveForeign(configPath, adopting.text, log);
        await writeFile(adoptedMark, `${socket}\n`, { mode: 0o600 });
        foreign = true;
      }
      runs = await runningText(found, configPath);
    } catch (error) {
      daemon.detach();
      throw error;
    }
    return found;
  }

  /** A daemon of ours that lives already, before anything was applied. Never starts or adopts one. */
  async function attachQuietly(): Promise<ControlSocket | undefined> {
    try {
      await prepare();
      return await attach(undefined);
    } catch (error) {
      log.debug({ err: error }, 'no daemon of ours to look at yet');
      return undefined;
    }
  }

  async function applyNow(
    config: SpeakerConfig,
    passwords: ReadonlyMap<string, string>,
  ): Promise<ApplyReport> {
    await prepare();
    alterationTold = false;
    const { fit, refused } = judgeSessions(config, passwords);
    const able: SpeakerConfig = { ...config, sessions: fit };
    const tables = origins.tables(able);
    const render = (without: ReadonlySet<string>): Rendered =>
      renderSections(
        able,
        { ...resolved, drain: drainStage, logTo: foreign ? 'syslog' : 'file', origins: tables },
        passwords,
        without,
      );
    const before = foreign;
    let wanted = refusals.render(render);
    const control = await attach(wanted);
    if (control !== undefined) await recall(control);
    // Only now is an adopted daemon known to be one; it logs elsewhere.
    if (foreign !== before) wanted = refusals.render(render);
    const kept = async (rendered: Rendered, living: ControlSocket): Promise<ApplyReport> => {
      given = rendered;
      await verify(living, rendered, config);
      await putFileRight();
      applied = { config, passwords };
      await origins.settle(living, able, tables);
      const names = [...sessionTextsOf(rendered).keys()];
      return reportOf(config, new Map(names.map((name) => [name, 'kept'])), refused, false);
    };
    if (control !== undefined && runs === wanted.text) return kept(wanted, control);

    const { rendered, staged } = await refusals.stage(wanted, render);
    if (control !== undefined && runs === rendered.text) {
      await staged.discard();
      return kept(rendered, control);
    }
    const oldText = await readIfThere(configPath);
    const blocksBefore = sessionBlocksIn(runs ?? oldText ?? '');
    const rowsBefore: Rows = control === undefined ? new Map() : await bgpRows(control);
    await staged.install();
    runs = undefined;
    const living = control ?? (await startOwn(blocksBefore.size > 0 || inherited, rendered));
    if (control !== undefined) await configure(control, oldText);
    applied = { config, passwords };
    given = rendered;
    runs = rendered.text;
    const rowsAfter = await verify(living, rendered, config);
    await origins.settle(living, able, tables);
    const sessions = outcomes(blocksBefore, sessionTextsOf(rendered), rowsBefore, rowsAfter);
    return reportOf(config, sessions, refused, true);
  }

  /** @param recover peers hold routes of an earlier run */
  async function startOwn(recover: boolean, rendered: Rendered): Promise<ControlSocket> {
    const first = recover ? await withoutAway(rendered) : rendered;
    if (first !== rendered) await install(first);
    await daemon.start(recover);
    inherited = false;
    foreign = false;
    await unlink(adoptedMark).catch(() => {});
    tell({ type: 'started', recovered: recover });
    const control = daemon.control();
    if (control === undefined) throw new CalicoRrError('E_ENGINE_START', 'BIRD ended right after its start');
    if (first !== rendered) await addAway(control, first, rendered);
    return control;
  }

  /** Loads the file that was just installed; where BIRD refuses it now, the old file is put back. */
  async function configure(control: ControlSocket, oldText: string | undefined): Promise<void> {
    const reply = await control.request('configure', SETTLE_TIMEOUT_MS);
    // Reconfigured, in progress, queued behind one in progress.
    if (reply.code === 3 || reply.code === 4 || reply.code === 5) return;
    if (oldText !== undefined) await (await stage(configPath, oldText)).install();
    const { message } = parseComplaint(reply.text);
    throw new CalicoRrError('E_ENGINE_REFUSED', `BIRD refused to load ${configPath}: ${message}`, {
      hint: 'It runs on with the old configuration, and the old file was put back.',
    });
  }

  function verify(control: ControlSocket, rendered: Rendered, config: SpeakerConfig): Promise<Rows> {
    const asked = new Set(sessionTextsOf(rendered).keys());
    return verifyRunning(control, asked, config, drainStage === 'stopped');
  }

  function reportOf(
    config: SpeakerConfig,
    sessions: ReadonlyMap<string, SessionOutcome>,
    refused: readonly Refusal[],
    wrote: boolean,
  ): ApplyReport {
    const warnings = tunnelWarnings(config, resolveRenderOptions(options));
    return { sessions, refused: [...refused, ...refusals.report(config)], wrote, warnings };
  }

  async function observeNow(): Promise<EngineState> {
    const control = daemon.control();
    if (control === undefined) {
      return notRunning(version === undefined ? 'BIRD' : `BIRD ${version.text}`);
    }
    const [status, rows] = await Promise.all([daemonStatus(control), bgpRows(control)]);
    await noticeAlteration(control, rows);
    if (busy === 0) await away.see(upOf(rows), performance.now());
    if (applied !== undefined && performance.now() - countedAt > COUNT_EVERY_MS) {
      countedAt = performance.now();
      const counts = parseRouteCounts(await control.request('show protocols all'));
      limitWarnings = prefixWarnings(applied.config, resolved, counts);
    }
    const foreignOrigins = applied === undefined ? [] : await origins.warnings(control, applied.config);
    return {
      engine: `BIRD ${status.version}`,
      running: true,
      routerId: status.routerId,
      recovering: status.recovering,
      turnedAway: null,
      warnings: [...limitWarnings, ...foreignOrigins],
      sessions: [...rows.values()]
        .filter((row) => row.state !== 'flush')
        .map((row) => ({
          name: row.name,
          state: sessionStateOf(row),
          protocolState: row.state,
          since: row.since,
          info: row.info,
          counters: null,
        })),
    };
  }

  async function enterDrain(next: DrainStage): Promise<void> {
    if (applied === undefined) {
      throw new CalicoRrError('E_ENGINE_PROTOCOL', 'there is nothing to drain: no state was applied yet');
    }
    drainStage = next;
    await applyNow(applied.config, applied.passwords);
  }

  async function drain(request: DrainRequest): Promise<void> {
    try {
      await exclusively(() => enterDrain('avoid'));
      await request.proceed();
    } catch (error) {
      if (applied !== undefined) await exclusively(() => enterDrain('off'));
      throw error;
    }
    await exclusively(async () => {
      const control = daemon.control();
      if (control === undefined) {
        throw new CalicoRrError('E_ENGINE_PROTOCOL', 'BIRD ended while it was drained');
      }
      const text = shutdownText(request.message);
      const names = [...(await bgpRows(control)).keys()];
      await Promise.all(names.map((name) => control.request(`disable ${name} "${text}"`)));
      // Written into the configuration too: a plain `configure` brings disabled sessions up again.
      await enterDrain('stopped');
    });
  }

  async function stop(mode: StopMode): Promise<void> {
    try {
      if (mode === 'graceful' && foreign) {
        log.info('the adopted BIRD runs on: a daemon that we did not start is not stopped by us');
      } else if (mode === 'graceful') {
        await daemon.stopGracefully();
      }
    } finally {
      daemon.detach();
      runs = undefined;
      given = undefined;
      applied = undefined;
      await lock?.release();
      lock = undefined;
    }
  }

  return {
    name: 'bird',
    apply: (config, passwords) => exclusively(() => applyNow(config, passwords)),
    async observe() {
      if (daemon.control() === undefined && applied === undefined) await exclusively(attachQuietly);
      return observeNow().catch((error) => {
        // It ended between two questions; without it there is still an answer.
        if (daemon.control() === undefined) return observeNow();
        throw error;
      });
    },
    lostRoutes: (config) =>
      exclusively(async () => {
        const control = daemon.control() ?? (await attachQuietly());
        return control === undefined ? [] : lostRoutesOf(control, config, applied?.config, resolved);
      }),
    async countRoutes(session) {
      const control = daemon.control();
      if (control === undefined || !/^\w+$/.test(session)) return undefined;
      const reply = await control.request(`show protocols all ${session}`);
      return parseProtocols(reply)[0]?.state === 'up' ? parseRouteCounts(reply).get(session) : undefined;
    },
    async explainRoute(prefix) {
      throw new CalicoRrError('E_ENGINE_PROTOCOL', 'BIRD is not asked why it prefers a route', {
        hint: `It shows its routes itself: birdc -s ${socket} show route for ${prefix} all`,
      });
    },
    drain,
    stop: (mode) => exclusively(() => stop(mode)),
    inherit(sessions) {
      inherited = sessions.length > 0;
      away.forget();
    },
    onEvent: (listener) => void listeners.push(listener),
    guardOrigins: origins.guard,
    reviewOrigins: origins.changed,
  };
}

function upOf(rows: Rows): ReadonlyMap<string, boolean> {
  return new Map([...rows].map(([name, row]) => [name, row.state === 'up']));
}
