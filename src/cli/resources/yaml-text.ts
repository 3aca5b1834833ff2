/** YAML as calicoctl writes it. */
import { stringify } from 'yaml';

/** Keys sorted and lists not indented; text that YAML 1.1 takes for something else is quoted. */
export function asYaml(value: unknown): string {
  return stringify(value, { sortMapEntries: true, indentSeq: false, lineWidth: 0, compat: 'yaml-1.1' });
}
