/**
 * `config set|get|unset` of calicoctl 1.x, on every datastore: what it wrote under /calico/bgp/v1/global and host/NODE
 * in etcd v2 are fields of the BGPConfigurations `default` and `node.NODE` today.
 */
import type { Datastore } from '../../datastore/datastore.ts';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { Json } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, hintsOf, withHints } from '../resources/failure.ts';
import type { ChangeFlags } from '../resources/gate.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { findResource, setFields } from './edit.ts';
import { type OlderSetting, printRaw, readRaw, SETTINGS, settingOf } from './settings.ts';

export interface ConfigFlags extends DatastoreFlags, ChangeFlags {
  readonly node?: string;
  readonly raw?: string;
}

type Action = { readonly do: 'set'; readonly value: string } | { readonly do: 'get' | 'unset' };

/** @throws CommandFailure, in the words of calicoctl 1.x */
export async function runConfig(
  name: string,
  action: Action,
  flags: ConfigFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const setting = demandSetting(name, flags);
    // Judged before anything is opened, so that a mistyped value changes nothing and waits for nothing.
    const value = action.do === 'set' ? demandValue(setting, action.value, flags) : null;
    const datastore = await openForVerb(flags, program);
    try {
      if (action.do === 'get') process.stdout.write(await printed(datastore, setting, flags));
      else {
        // A global setting that is unset gets its standard value; a node's goes, and the global one counts.
        const standard = flags.node === undefined ? (setting.read(setting.standard) ?? null) : null;
        const next = action.do === 'set' ? value : standard;
        const target = { kind: 'BGPConfiguration', name: resourceOf(flags) } as const;
        await setFields(datastore, target, { [setting.field]: next }, { flags, program, done: 'changed' });
      }
    } finally {
      await datastore.close();
    }
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const text = `Error executing command: ${messageOf(error)}`;
    const exitCode = error instanceof CalicoRrError && program !== 'calicoctl' ? error.exitCode : 1;
    throw new CommandFailure(withHints(text, hintsOf([error], program)), exitCode, error);
  }
}

function resourceOf({ node }: ConfigFlags): string {
  return node === undefined ? 'default' : `node.${node}`;
}

function demandSetting(name: string, { node, raw }: ConfigFlags): OlderSetting {
  const setting = raw === undefined ? settingOf(name) : rawSetting(name, raw);
  if (setting === undefined) {
    if (name.toLowerCase() === 'ipip')
      throw refused(
        'ipip is a setting of Felix and no longer one of BGP.',
        'Set spec.ipipMode of an IPPool.',
      );
    throw refused(
      `unrecognized config name: ${name}`,
      `There is ${SETTINGS.map((one) => one.name).join(', ')}.`,
    );
  }
  if (node !== undefined && !setting.ofNodes)
    throw refused('--node should not be specified', `${setting.name} is the same for all nodes.`);
  return setting;
}

function rawSetting(name: string, raw: string): OlderSetting | undefined {
  if (raw !== 'bgp')
    throw refused(`--raw=${raw} is not supported here`, 'Only --raw=bgp is: Felix has settings of its own.');
  const setting = SETTINGS.find((one) => one.key === name);
  if (setting !== undefined) return setting;
  const keys = SETTINGS.map(({ key }) => key).join(', ');
  throw refused(`no key of BGP is called ${name}`, `There is ${keys}.`);
}

function demandValue(setting: OlderSetting, text: string, { raw }: ConfigFlags): Json {
  const value = raw === undefined ? setting.read(text) : readRaw(setting, text);
  if (value === undefined)
    throw refused(`invalid value "${text}" for ${setting.name}`, `It can be ${setting.values}.`);
  return value;
}

async function printed(datastore: Datastore, setting: OlderSetting, flags: ConfigFlags): Promise<string> {
  const stored = await findResource(datastore, 'BGPConfiguration', resourceOf(flags));
  const value = stored?.spec[setting.field] ?? undefined;
  if (value === undefined)
    return flags.node === undefined && flags.raw === undefined ? `${setting.standard}\n` : '';
  return `${flags.raw === undefined ? setting.print(value) : printRaw(setting, value)}\n`;
}

function refused(message: string, hint: string): CalicoRrError {
  return new CalicoRrError('E_USAGE', message, { hint });
}
