/**
 * Session passwords from Kubernetes Secrets (BGPPeer.spec.password, BGPConfiguration.spec.nodeMeshPassword; named
 * `NAME/KEY` here). As with the secrets file, a configured password is never dropped: one that was read and is gone or
 * unfit by now stays in use until the next start, and one of the last run serves while the API server says nothing of
 * it. A Secret that the server says is not there, or that nobody may read, leaves its sessions down.
 */
import type { SecretState, SecretWatch } from '../datastore/kubernetes/secret-watch.ts';
import type { Problem } from '../model/problem.ts';
import type { KeptPasswords } from './kept-passwords.ts';
import { type Password, passwordFault, type SecretSource } from './secret-source.ts';

/** How long a Secret may take to be heard of before the rest goes on without it. */
const PATIENCE_MS = 3000;

export interface KubernetesSecretsOptions {
  /** Opens the watch; `changed` is to be called whenever the state of a Secret turned. */
  readonly watch: (changed: () => void) => SecretWatch;
  /** Null: nothing is kept beyond this process. */
  readonly kept: KeptPasswords | null;
  /** What was read could not be kept. */
  readonly keepFailed: (error: unknown) => void;
  readonly patienceMs?: number;
}

type Fault = Extract<Password, { readonly found: false }>;

interface LastGood {
  readonly value: string;
  /** Of the last run: good for nothing once the server has spoken. */
  readonly before: boolean;
}

export function openKubernetesSecrets(options: KubernetesSecretsOptions): SecretSource {
  const { kept, patienceMs = PATIENCE_MS } = options;
  const lastGood = new Map<string, LastGood>();
  for (const [name, value] of kept?.before ?? []) lastGood.set(name, { value, before: true });
  let wanted: ReadonlySet<string> = new Set();
  let saved = JSON.stringify([...(kept?.before ?? [])]);
  const listeners = new Set<(what: string) => void>();
  /** Secrets that were waited for; nobody is kept waiting twice. */
  const waitedFor = new Set<string>();
  let waiters: (() => void)[] = [];
  const watch = options.watch(() => {
    settle();
    for (const look of waiters) look();
    for (const tell of listeners) tell('a Secret');
  });

  /** Takes over what can be used now, and keeps it. */
  function settle(): void {
    for (const name of lastGood.keys()) if (!wanted.has(name)) lastGood.delete(name);
    for (const name of wanted) {
      const [secret, key] = split(name);
      const state = watch.state(secret);
      const now = read(watch.namespace, secret, key, state);
      if (now.found) lastGood.set(name, { value: now.value, before: false });
      else if (isAnswer(state) && lastGood.get(name)?.before === true) lastGood.delete(name);
    }
    const entries = [...lastGood].map(([name, { value }]) => [name, value] as const).sort();
    const text = JSON.stringify(entries);
    if (kept === null || text === saved) return;
    saved = text;
    kept.save(new Map(entries)).catch(options.keepFailed);
  }

  function silent(secrets: ReadonlySet<string>): string[] {
    return [...secrets].filter((secret) => {
      const state = watch.state(secret);
      return state.type === 'unknown' && state.reason === null && !waitedFor.has(secret);
    });
  }

  async function heardOf(secrets: ReadonlySet<string>): Promise<void> {
    if (silent(secrets).length === 0) return;
    const done = Promise.withResolvers<void>();
    const look = () => {
      if (silent(secrets).length === 0) done.resolve();
    };
    const timer = setTimeout(done.resolve, patienceMs);
    waiters.push(look);
    await done.promise;
    clearTimeout(timer);
    waiters = waiters.filter((one) => one !== look);
    for (const secret of secrets) waitedFor.add(secret);
  }

  return {
    has: isReference,
    lookUp(name) {
      const last = lastGood.get(name);
      if (last !== undefined) return { found: true, value: last.value };
      if (!isReference(name)) {
        return {
          found: false,
          code: 'missing-password',
          reason: `no secrets file has an entry named ${name}, and it is no NAME/KEY of a Secret`,
        };
      }
      const [secret, key] = split(name);
      return read(watch.namespace, secret, key, watch.state(secret));
    },
    async expect(names) {
      wanted = new Set([...names].filter(isReference));
      const secrets = new Set([...wanted].map((name) => split(name)[0]));
      watch.want(secrets);
      settle();
      await heardOf(secrets);
    },
    problems() {
      return [...wanted].flatMap((name): Problem[] => {
        const [secret, key] = split(name);
        const state = watch.state(secret);
        const now = read(watch.namespace, secret, key, state);
        if (state.type === 'forbidden' && now.found) {
          return [outdated(name, watch.namespace, { ...forbidden(watch.namespace, secret, state) })];
        }
        if (now.found || !lastGood.has(name) || (state.type === 'unknown' && state.reason === null))
          return [];
        return [outdated(name, watch.namespace, now)];
      });
    },
    reload: () => false,
    watch(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    async close() {
      await watch.close();
      await kept?.flush();
    },
  };
}

/** Calico's reference to a Secret; a name alone is one of the secrets file. */
function isReference(name: string): boolean {
  return /^[^/]+\/./.test(name);
}

function split(name: string): readonly [secret: string, key: string] {
  const at = name.indexOf('/');
  return [name.slice(0, at), name.slice(at + 1)];
}

/** Whether the server has said what there is. */
function isAnswer(state: SecretState): boolean {
  return state.type === 'found' || state.type === 'missing';
}

function read(namespace: string, secret: string, key: string, state: SecretState): Password {
  const fault = (code: Fault['code'], reason: string, hint: string): Fault => ({
    found: false,
    code,
    reason,
    hint,
  });
  switch (state.type) {
    case 'unknown':
      return fault(
        'missing-password',
        `the Secret ${namespace}/${secret} could not be read yet${state.reason === null ? '' : `: ${state.reason.replace(/\.$/, '')}`}`,
        'It is read as soon as the API server answers.',
      );
    case 'missing':
      return fault(
        'missing-password',
        `there is no Secret ${secret} in the namespace ${namespace}`,
        `Create it: kubectl -n ${namespace} create secret generic ${secret} --from-literal=${key}=PASSWORD. Another namespace: --secrets-namespace.`,
      );
    case 'forbidden':
      if (state.data === null) return forbidden(namespace, secret, state);
      return passwordIn(namespace, secret, key, state.data.get(key), fault);
    case 'found':
      return passwordIn(namespace, secret, key, state.data.get(key), fault);
    default:
      return state satisfies never;
  }
}

function passwordIn(
  namespace: string,
  secret: string,
  key: string,
  value: string | null | undefined,
  fault: (code: Fault['code'], reason: string, hint: string) => Fault,
): Password {
  if (value === undefined) {
    return fault(
      'missing-password',
      `the Secret ${namespace}/${secret} has no key ${key}`,
      `Add it: kubectl -n ${namespace} patch secret ${secret} -p '{"stringData":{"${key}":"PASSWORD"}}'`,
    );
  }
  const wrong = value === null ? 'is not UTF-8 text' : passwordFault(value);
  if (value !== null && wrong === null) return { found: true, value };
  const hint =
    wrong === 'ends with a line break'
      ? 'It counts as a part of the password, and BIRD cannot be given it. Write it without: printf, or kubectl --from-literal.'
      : 'Give it another value, at both ends.';
  return fault('bad-password', `the key ${key} of the Secret ${namespace}/${secret} ${wrong}`, hint);
}

function forbidden(
  namespace: string,
  secret: string,
  { message, rule }: Extract<SecretState, { readonly type: 'forbidden' }>,
): Fault {
  return {
    found: false,
    code: 'no-permission',
    reason: `the Secret ${namespace}/${secret} cannot be read (${message})`,
    hint: `Add this rule to a Role in the namespace ${namespace} and bind that to the user (calico-rr secrets-role prints both): ${rule}`,
  };
}

/** Of a password of which the last good value is in use. */
function outdated(name: string, namespace: string, fault: Fault): Problem {
  return {
    code: fault.code,
    severity: 'warning',
    subject: `Secret/${namespace}/${split(name)[0]}`,
    message: `${fault.reason}; the password ${name} that was read last stays in use`,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
}
