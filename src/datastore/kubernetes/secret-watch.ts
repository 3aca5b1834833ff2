/**
 * Kubernetes Secrets, each watched by its name in one namespace (Calico's confd, secret_watcher.go): a list and a watch
 * with the field selector `metadata.name=NAME`, which a Role by `resourceNames` allows, so that nobody needs to be let
 * near all Secrets. Only what is wanted now is watched.
 */
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import type { ApiCollection } from './collection.ts';
import { connectTo } from './connection.ts';
import { rbacRule } from './failure.ts';
import { follow, type Told } from './follow.ts';
import type { KubernetesSettings } from './settings.ts';

/** Values by key, base64 decoded and not trimmed; null: not UTF-8. */
export type SecretData = ReadonlyMap<string, string | null>;

export type SecretState =
  /** Nothing was heard of it yet; `reason` says why where the server does not answer. */
  | { readonly type: 'unknown'; readonly reason: string | null }
  | { readonly type: 'found'; readonly data: SecretData }
  | { readonly type: 'missing' }
  /** `data`: what was read before. `rule`: the RBAC rule to add, one line of YAML. */
  | {
      readonly type: 'forbidden';
      readonly message: string;
      readonly rule: string;
      readonly data: SecretData | null;
    };

export interface SecretWatch {
  readonly namespace: string;
  /** Watches these and no others from now on. */
  want(names: ReadonlySet<string>): void;
  /** Of one that is wanted; `unknown` for any other. */
  state(name: string): SecretState;
  close(): Promise<void>;
}

/** What a Secret may be called (RFC 1123 subdomain); anything else would be another question to the server. */
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

interface Watched {
  state: SecretState;
  readonly ending: AbortController;
  following: Promise<void>;
}

const NOT_HEARD_OF: SecretState = { type: 'unknown', reason: null };

/** @param changed called after the state of a wanted Secret turned */
export function watchSecrets(
  settings: KubernetesSettings,
  namespace: string,
  changed: () => void,
): SecretWatch {
  const connection = connectTo(settings);
  const watched = new Map<string, Watched>();
  let closed = false;

  function begin(name: string): void {
    const ending = new AbortController();
    const one: Watched = { state: NOT_HEARD_OF, ending, following: Promise.resolve() };
    watched.set(name, one);
    if (!SECRET_NAME.test(name)) {
      one.state = { type: 'missing' };
      return;
    }
    one.following = follow(connection, collectionOf(namespace, name), ending.signal, (told) => {
      const state = turned(one.state, name, told);
      if (state === one.state || ending.signal.aborted) return;
      one.state = state;
      changed();
    });
  }

  async function end({ ending, following }: Watched): Promise<void> {
    ending.abort();
    await following;
  }

  return {
    namespace,
    want(names) {
      if (closed) return;
      for (const [name, one] of watched) {
        if (names.has(name)) continue;
        watched.delete(name);
        void end(one);
      }
      for (const name of names) if (!watched.has(name)) begin(name);
    },
    state: (name) => watched.get(name)?.state ?? NOT_HEARD_OF,
    async close() {
      closed = true;
      await Promise.all([...watched.values()].map(end));
      await connection.close();
    },
  };
}

/** The state after what was told; the same object where nothing is new. */
function turned(state: SecretState, name: string, told: Told<SecretData>): SecretState {
  switch (told.type) {
    case 'list':
      return stateOf(told.objects.get(name)?.[0]);
    case 'events': {
      const last = told.events.findLast((event) => event.name === name);
      return last === undefined ? state : stateOf(last.meanings[0]);
    }
    case 'absent':
      return { type: 'missing' };
    case 'forbidden': {
      const rule = rbacRule(told.permission, ['list', 'watch'], [name]);
      if (state.type === 'forbidden' && state.message === told.message) return state;
      return { type: 'forbidden', message: told.message, rule, data: dataOf(state) };
    }
    case 'lost':
      return state.type === 'unknown' ? { type: 'unknown', reason: told.error.message } : state;
    case 'allowed':
    case 'alive':
      return state;
    default:
      return told satisfies never;
  }
}

function stateOf(data: SecretData | undefined): SecretState {
  return data === undefined ? { type: 'missing' } : { type: 'found', data };
}

function dataOf(state: SecretState): SecretData | null {
  return state.type === 'found' || state.type === 'forbidden' ? state.data : null;
}

function collectionOf(namespace: string, name: string): ApiCollection<SecretData> {
  return {
    group: '',
    resource: 'secrets',
    path: `/api/v1/namespaces/${namespace}/secrets`,
    fieldSelector: `metadata.name=${name}`,
    decode: (object) => [decodeData(object)],
  };
}

function decodeData(object: JsonObject): SecretData {
  const data: Json | undefined = object.data;
  const values = new Map<string, string | null>();
  for (const [key, value] of Object.entries(isJsonObject(data) ? data : {})) {
    values.set(key, typeof value === 'string' ? decodeText(value) : null);
  }
  return values;
}

function decodeText(base64: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return null;
  }
}
