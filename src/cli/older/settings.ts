/**
 * The settings that `calicoctl config` (1.x) and `calicoctl bgp` (0.x) knew by names of their own, as fields of
 * BGPConfiguration. Values are read and printed in the words of those days.
 */
import { parseAsNumber } from '../../model/as-number.ts';
import type { Json } from '../../model/resource.ts';

export interface OlderSetting {
  /** As it was typed; case counts for nothing. */
  readonly name: string;
  /** Name of its key in etcd v2, for `--raw=bgp`. */
  readonly key: string;
  readonly field: string;
  /** What stands where nothing is set, and what `unset` writes. */
  readonly standard: string;
  /** True: a node can have one of its own. */
  readonly ofNodes: boolean;
  readonly values: string;
  /** The field's value, or undefined where the text is none. */
  read(text: string): Json | undefined;
  /** The text of a stored value. */
  print(value: Json): string;
}

const LEVELS = ['none', 'debug', 'info', 'warning', 'error', 'critical'];

export const SETTINGS: readonly OlderSetting[] = [
  {
    name: 'nodeToNodeMesh',
    key: 'node_mesh',
    field: 'nodeToNodeMeshEnabled',
    standard: 'on',
    ofNodes: false,
    values: 'on, off',
    read: (text) => (text === 'on' ? true : text === 'off' ? false : undefined),
    print: (value) => (value === false ? 'off' : 'on'),
  },
  {
    name: 'asNumber',
    key: 'as_num',
    field: 'asNumber',
    standard: '64512',
    ofNodes: false,
    values: '1-4294967295, or two parts with a dot',
    read: (text) => parseAsNumber(text),
    print: (value) => String(parseAsNumber(value) ?? value),
  },
  {
    name: 'logLevel',
    key: 'loglevel',
    field: 'logSeverityScreen',
    standard: 'info',
    ofNodes: true,
    values: LEVELS.join(', '),
    read: (text) => (LEVELS.includes(text) ? `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}` : undefined),
    print: (value) => String(value).toLowerCase(),
  },
];

export function settingOf(name: string): OlderSetting | undefined {
  return SETTINGS.find((setting) => setting.name.toLowerCase() === name.toLowerCase());
}

/** What a key of etcd v2 holds, as the value of the setting's field. */
export function readRaw(setting: OlderSetting, text: string): Json | undefined {
  if (setting.key !== 'node_mesh') return setting.read(text);
  const enabled = /^\s*\{\s*"enabled"\s*:\s*(true|false)\s*\}\s*$/.exec(text)?.[1];
  return enabled === undefined ? undefined : enabled === 'true';
}

/** The text that the key of etcd v2 would hold. */
export function printRaw(setting: OlderSetting, value: Json): string {
  return setting.key === 'node_mesh' ? JSON.stringify({ enabled: value !== false }) : setting.print(value);
}
