/**
 * The origin guard in BIRD's words. Which node may announce which block stands in tables of the kind that BIRD has for
 * route origins (RFC 6811: a prefix, a longest length and a number), with a number for each node in the place of an AS. A
 * session's import filter notes the number of its node, and asks the tables. So a block that moves is one line in a table:
 * no filter changes, and BIRD asks nobody for routes (`rpki reload off`); who is concerned is asked by us (origin-watch.ts).
 *
 * Two tables for each family. The blocks: covered there by others' entries alone is a foreign route. The ranges: what no
 * block covers has to be covered there. ADR 25 says why.
 */
import { createHash } from 'node:crypto';
import { addressBits, type Family, familyOf, type Prefix } from '../../model/address.ts';
import type { OriginLists } from '../../topology/origins.ts';
import type { SessionConfig } from '../../topology/speaker-config.ts';
import { nodeToJudge } from '../foreign-origin.ts';

/** Attributes of routes, inside BIRD only: whose it is, and that it was refused for that. */
export const NODE_MARK = 'calico_rr_node';
export const FOREIGN_MARK = 'calico_rr_foreign';

/** The number of nodes that we have no session with: a table's entry with it is never good for anybody (RFC 7607). */
const NOBODY = 0;
const ANYBODY = 1;
const FIRST_NODE = 2;

export interface OriginTables {
  readonly enforce: boolean;
  /** By name, for the nodes that are judged. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Entries as `route` statements, sorted. */
  readonly blocks: readonly string[];
  readonly ranges: readonly string[];
}

/** Nodes on whose sessions it is looked at what they announce, with their numbers. */
export function originNumbers(
  sessions: readonly SessionConfig[],
  isJudged: OriginLists['isJudged'],
): ReadonlyMap<string, number> {
  const nodes = new Set<string>();
  for (const session of sessions) {
    const node = nodeToJudge(session);
    if (node !== null && isJudged(node)) nodes.add(node);
  }
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const node of [...nodes].sort()) {
    let number = Math.max(FIRST_NODE, hashOf(node));
    while (taken.has(number)) number = number === 0xffff_ffff ? FIRST_NODE : number + 1;
    taken.add(number);
    numbers.set(node, number);
  }
  return numbers;
}

const hashes = new Map<string, number>();

/** The same in every run: a session's text must not change with the nodes beside it. */
function hashOf(node: string): number {
  const known = hashes.get(node);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(node).digest().readUInt32BE(0);
  hashes.set(node, hash);
  return hash;
}

export function originTables(
  { owned, shared }: OriginLists,
  numbers: ReadonlyMap<string, number>,
  enforce: boolean,
): OriginTables {
  const blocks: string[] = [];
  for (const [cidr, nodes] of owned) {
    const here = new Set(nodes.flatMap((node) => numbers.get(node) ?? []));
    for (const number of here.size === 0 ? [NOBODY] : here) blocks.push(entry(cidr, number));
  }
  const ranges = [...new Set(shared)].map((range) => entry(range, ANYBODY));
  return { enforce, numbers, blocks: blocks.sort(), ranges: ranges.sort() };
}

function entry(prefix: Prefix, number: number): string {
  return `  route ${prefix} max ${addressBits(familyOf(prefix))} as ${number};`;
}

function tableOf(what: 'blocks' | 'ranges', family: Family): string {
  return `calico_rr_${what}_v${family}`;
}

/** True, in a filter or a question, for a route that bears its node's number and may not be that node's. */
export function isForeign(family: Family): string {
  const [blocks, ranges] = (['blocks', 'ranges'] as const).map((what) => tableOf(what, family));
  const byBlocks = `roa_check(${blocks}, net, ${NODE_MARK})`;
  return [
    '(net.len = 0)',
    `((${byBlocks} = ROA_INVALID) && (net.len < ${addressBits(family)}))`,
    `((${byBlocks} = ROA_UNKNOWN) && (roa_check(${ranges}, net, ${ANYBODY}) != ROA_VALID))`,
  ].join(' || ');
}

/** What stands before the filters that use it; nothing where nobody is judged. */
export function originDeclarations(
  tables: OriginTables | null,
  families: readonly Family[],
): readonly string[] {
  if (tables === null) return [];
  return [
    `attribute int ${NODE_MARK};`,
    `attribute int ${FOREIGN_MARK};`,
    ...families.flatMap((family) => [
      `roa${family} table ${tableOf('blocks', family)};`,
      `roa${family} table ${tableOf('ranges', family)};`,
      ...(tables.enforce
        ? [
            `function refuse_foreign_v${family}() {`,
            `  if ${isForeign(family)} then { ${FOREIGN_MARK} = 1; reject; }`,
            '}',
          ]
        : []),
    ]),
  ];
}

/** The protocols that fill the tables. */
export function originProtocols(tables: OriginTables, families: readonly Family[]): string {
  const lines = families.flatMap((family) =>
    (['blocks', 'ranges'] as const).flatMap((what) => [
      `protocol static origin_${what}_v${family} {`,
      `  roa${family} { table ${tableOf(what, family)}; };`,
      ...tables[what].filter((route) => route.includes(':') === (family === 6)),
      '}',
    ]),
  );
  return `${lines.join('\n')}\n`;
}

/** The number of the node whose routes are judged on this session, or null. */
export function originNumber(tables: OriginTables | null, session: SessionConfig): number | null {
  const node = tables === null ? null : nodeToJudge(session);
  return node === null ? null : (tables?.numbers.get(node) ?? null);
}

/** Statements with which a session's import filter begins. */
export function judging(tables: OriginTables | null, session: SessionConfig): readonly string[] {
  const number = originNumber(tables, session);
  if (number === null) return [];
  return [
    `${NODE_MARK} = ${number};`,
    ...(tables?.enforce === true ? [`refuse_foreign_v${session.family}();`] : []),
  ];
}
