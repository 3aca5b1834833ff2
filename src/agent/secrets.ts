/**
 * The secrets file: a YAML or JSON map from a name (or `NAME/KEY`, or NAME with a map of KEYs) to a TCP-MD5
 * password (RFC 2385). It must be readable by its owner alone, and the owner must be us or root. It is read
 * again when it changes; what can no longer be read keeps its last value, because dropping a password takes a
 * session down.
 */
import { statSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import { readPrivateFile } from './private-file.ts';
import { passwordFault, type SecretSource } from './secret-source.ts';

const POLL_MS = 1000;

/**
 * @param path null: there is no secrets file, and every password is missing
 * @throws E_SECRETS where it cannot be read now or others can read it
 */
export function openSecrets(path: string | null): SecretSource {
  if (path === null) return noSecrets;
  let values = readSecrets(path);
  let seen = fingerprintOf(path);
  let problem: Problem | null = null;
  /** Entries of which an older value is in use, with the reason. */
  let outdated: ReadonlyMap<string, string> = new Map();
  /** Entries asked for since the file was read: only of these is it worth telling that they are outdated. */
  const wanted = new Set<string>();

  function reload(): boolean {
    seen = fingerprintOf(path ?? '');
    wanted.clear();
    try {
      const fresh = readSecrets(path ?? '');
      const kept = new Map(fresh);
      const reasons = new Map<string, string>();
      for (const [name, value] of values) {
        const fault = fresh.has(name) ? passwordFault(fresh.get(name)) : 'is gone';
        if (fault === null || passwordFault(value) !== null) continue;
        kept.set(name, value);
        reasons.set(name, fault);
      }
      const turned = problem !== null || differs(outdated, reasons) || differs(values, kept);
      problem = null;
      outdated = reasons;
      values = kept;
      return turned;
    } catch (error) {
      const message = `${messageOf(error)}; the passwords read before stay in use`;
      const turned = problem?.message !== message;
      const hint = error instanceof CalicoRrError ? error.hint : undefined;
      problem = {
        code: 'missing-password',
        severity: 'warning',
        subject: path ?? '',
        message,
        ...(hint === undefined ? {} : { hint }),
      };
      return turned;
    }
  }

  return {
    has: (name) => values.has(name),
    lookUp(name) {
      wanted.add(name);
      const value = values.get(name);
      if (value === undefined) {
        return {
          found: false,
          code: 'missing-password',
          reason: `the secrets file ${path} has no entry named ${name}`,
        };
      }
      const fault = passwordFault(value);
      if (fault === null) return { found: true, value: String(value) };
      return { found: false, code: 'bad-password', reason: `the password named ${name} ${fault}` };
    },
    problems() {
      const list: Problem[] = problem === null ? [] : [problem];
      for (const [name, fault] of outdated) {
        if (!wanted.has(name)) continue;
        list.push({
          code: fault === 'is gone' ? 'missing-password' : 'bad-password',
          severity: 'warning',
          subject: `${path}: ${name}`,
          message: `the entry ${name} ${fault}; its last good password stays in use until the next start`,
          hint: 'Mend the entry, or remove the peers that name it.',
        });
      }
      return list;
    },
    reload,
    watch(changed) {
      // Polled: a rename, a rewrite in place and a symbolic link that turns (as Kubernetes mounts Secrets) all
      // look the same this way.
      const timer = setInterval(() => {
        if (fingerprintOf(path) !== seen && reload()) changed('the secrets file');
      }, POLL_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
    expect: async () => {},
    close: async () => {},
  };
}

const noSecrets: SecretSource = {
  has: () => false,
  lookUp: (name) => ({
    found: false,
    code: 'missing-password',
    reason: `no secrets file is given, so the password named ${name} is not known`,
  }),
  problems: () => [],
  expect: async () => {},
  reload: () => false,
  watch: () => () => {},
  close: async () => {},
};

function differs(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  if (one.size !== other.size) return true;
  return [...one].some(([name, value]) => other.get(name) !== value);
}

function fingerprintOf(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return messageOf(error);
  }
}

function readSecrets(path: string): ReadonlyMap<string, unknown> {
  const text = readPrivateFile(path, 'the secrets file', '--secrets-file or CALICO_RR_SECRETS_FILE');
  const lines = new LineCounter();
  const parsed = parseDocument(text, { uniqueKeys: true, prettyErrors: false, lineCounter: lines });
  // A warning is a value that YAML takes for a tag: !pass word would be the password "word". The parser's own messages
  // may quote the line, and the line may hold a password.
  const [fault] = [...parsed.errors, ...parsed.warnings];
  if (fault !== undefined) {
    const { line, col: column } = lines.linePos(fault.pos[0]);
    const what =
      fault.name === 'YAMLWarning' ? 'holds a value without quotes that is a YAML tag' : 'is no valid YAML';
    throw new CalicoRrError('E_SECRETS', `the secrets file ${path} ${what}`, {
      hint: 'Write one line for each password, NAME: "PASSWORD".',
      place: { file: path, line, column },
    });
  }
  const document: unknown = parsed.toJS();
  if (document === null || document === undefined) return new Map();
  if (!isRecord(document)) {
    throw new CalicoRrError('E_SECRETS', `the secrets file ${path} is no map of names to passwords`, {
      hint: 'Write one line for each password, NAME: "PASSWORD".',
    });
  }
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(document)) {
    if (!isRecord(value)) values.set(name, value);
    else for (const [key, inner] of Object.entries(value)) values.set(`${name}/${key}`, inner);
  }
  return values;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
