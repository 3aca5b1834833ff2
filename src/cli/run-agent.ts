/** Puts the rooms together for `calico-rr run`, and sees to signals and to the end. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Agent, createAgent } from '../agent/agent.ts';
import type { SecretSource } from '../agent/secret-source.ts';
import { openSecrets } from '../agent/secrets.ts';
import { openStateDir } from '../agent/state-dir.ts';
import { lockStateDir } from '../agent/state-lock.ts';
import { openDatastore, readDatastoreSettings } from '../datastore/open.ts';
import type { Engine } from '../engine/engine.ts';
import { messageOf } from '../model/errors.ts';
import { type ControlHandlers, type Listening, serveControl } from '../server/control-server.ts';
import { serveHttp } from '../server/http-server.ts';
import type { RemoteControl } from '../server/remote-control.ts';
import type { DatastoreChoice } from './datastore-flags.ts';
import { CONTROL_SOCKET } from './instance.ts';
import { createLog } from './log.ts';
import { makeEngine } from './make-engine.ts';
import { controlUrlFor, openRemoteControl } from './remote-control.ts';
import { type RunFlags, readRunSettings } from './run-settings.ts';
import { openSecretSources } from './secret-sources.ts';
import { serviceWatchOf } from './service-source.ts';
import { programVersion } from './version.ts';

/** @throws what is wrong with a setting, or what ends the agent */
export async function runAgent(env: NodeJS.ProcessEnv, flags: RunFlags & DatastoreChoice): Promise<void> {
  const settings = readRunSettings(env, flags);
  const datastoreSettings = readDatastoreSettings(env, flags);
  const secretsFile = openSecrets(settings.secretsFile);
  const stateDir = openStateDir(env, settings.instance, settings.stateDir);
  const lock = await lockStateDir(stateDir.path);
  const listening: Listening[] = [];
  let secrets: SecretSource | undefined;
  let remote: RemoteControl | undefined;
  try {
    const log = await createLog(settings.logLevel, settings.instance);
    secrets = await openSecretSources(datastoreSettings, secretsFile, settings.secretsNamespace, {
      stateDir: stateDir.path,
      keepFailed: (error) =>
        log.error(
          { reason: messageOf(error) },
          'the passwords read from Secrets cannot be kept: a start while the API server is away will lack them',
        ),
    });
    const engine = makeEngine(settings, stateDir.path, log);
    const watchServices = await serviceWatchOf(datastoreSettings);
    const agent = createAgent({
      instance: settings.instance,
      identity: {
        name: settings.name,
        ipv4: settings.ipv4,
        ipv6: settings.ipv6,
        listenPort: settings.listenPort,
        ...(settings.routerId === null ? {} : { routerId: settings.routerId }),
      },
      engine,
      openDatastore: (callbacks) => openDatastore(datastoreSettings, callbacks),
      stateDir,
      secrets,
      ...(watchServices === null ? {} : { watchServices }),
      guard: {
        minReflectors: settings.minReflectors,
        maxSessionLossPercent: settings.maxSessionLoss,
      },
      originGuard: settings.originGuard,
      acceptPrefixes: settings.acceptPrefixes,
      ...settings.cluster,
      controlUrl: (addresses) => controlUrlFor(settings.control, addresses),
      version: programVersion(),
      log,
    });
    const handlers: ControlHandlers = {
      status: agent.status,
      approve: agent.approve,
      explainRoute: agent.explainRoute,
      drain: async ({ timeoutSeconds, force, message }, progress) => {
        await agent.drain({ timeoutMs: timeoutSeconds * 1000, force, message }, progress);
        return { drained: true };
      },
    };
    listening.push(await serveControl(join(stateDir.path, CONTROL_SOCKET), handlers));
    if (settings.control !== null) {
      remote = await openRemoteControl(settings.control, handlers, log);
      listening.push(remote);
    }
    if (settings.http !== null) {
      const http = await serveHttp(settings.http.host, settings.http.port, agent);
      listening.push(http);
      log.info({ address: http.address }, 'serving /healthz, /readyz and /status');
    }
    handleSignals(agent, log, engine, remote);
    log.info({ version: programVersion(), pid: process.pid, stateDir: stateDir.path }, 'calico-rr starts');
    await agent.run();
    log.info('calico-rr ends');
  } finally {
    for (const one of listening) await one.close();
    await secrets?.close();
    await lock.release();
  }
}

function handleSignals(agent: Agent, log: Logger, engine: Engine, remote: RemoteControl | undefined): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn({ signal }, `told to stop again: ending at once; ${LEFT_BEHIND[engine.name]}`);
      process.exit(1);
    }
    stopping = true;
    void agent.stop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {
    try {
      remote?.reload();
    } catch (error) {
      log.error(
        { reason: messageOf(error) },
        'the certificate of --control cannot be read; the old one stays',
      );
    }
    agent.reload();
  });
  process.on('uncaughtException', (error) => {
    log.fatal(
      { err: error },
      `a fault of calico-rr itself: ${messageOf(error)}; ${LEFT_BEHIND[engine.name]}`,
    );
    process.exit(1);
  });
}

/** Whatever ends us: BIRD has a session of its own, and the native engine's peers see a restart (RFC 4724). */
const LEFT_BEHIND = {
  bird: 'BIRD runs on, for the next start to find',
  native: 'peers keep our routes for their restart time',
} as const;
