/** A prefix of the RIB as the text that the rest of calico-rr knows it by. */
import { formatPrefix } from '../../bgp/index.ts';
import type { PrefixTable } from './rib/prefix-table.ts';

export function prefixText(prefixes: PrefixTable, id: number): string {
  return formatPrefix(prefixes.prefixOf(id));
}
