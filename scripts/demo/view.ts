/**
 * What the demo shows: one line for each reflector with the state of its sessions, one line for each block with
 * its next hop and the nodes that have it. Pure text from what was observed; BGP routes, not what a kernel would
 * make of them.
 */
import { stripVTControlCharacters, styleText } from 'node:util';

export interface ReflectorView {
  readonly name: string;
  readonly clusterId: string;
  /** The other end's name, and whether the session is Established. */
  readonly sessions: readonly { readonly peer: string; readonly client: boolean; readonly up: boolean }[];
}

export interface LearnedRoute {
  readonly prefix: string;
  readonly nextHop: string;
}

export interface NodeView {
  readonly name: string;
  /** The node's own blocks; every other node has to learn them. */
  readonly blocks: readonly string[];
  readonly learned: readonly LearnedRoute[];
}

export interface DemoView {
  readonly reflectors: readonly ReflectorView[];
  readonly nodes: readonly NodeView[];
}

export interface Totals {
  readonly sessionsUp: number;
  readonly sessions: number;
  readonly routes: number;
  readonly routesExpected: number;
}

export function totals(view: DemoView): Totals {
  const sessions = view.reflectors.flatMap((reflector) => reflector.sessions);
  const blocks = view.nodes.flatMap((node) => node.blocks);
  const wanted = view.nodes.map((node) => blocks.filter((block) => !node.blocks.includes(block)));
  return {
    sessionsUp: sessions.filter(({ up }) => up).length,
    sessions: sessions.length,
    routes: view.nodes.reduce(
      (sum, node, index) =>
        sum +
        (wanted[index] ?? []).filter((block) => node.learned.some(({ prefix }) => prefix === block)).length,
      0,
    ),
    routesExpected: wanted.reduce((sum, list) => sum + list.length, 0),
  };
}

/** @param colour ANSI colours for a terminal; without, the same text in plain letters */
export function renderView(view: DemoView, colour: boolean): string {
  const { sessionsUp, sessions, routes, routesExpected } = totals(view);
  return [
    `Sessions, as the reflectors see them: ${sessionsUp} of ${sessions} established`,
    ...reflectorLines(view.reflectors, colour),
    '',
    `Routes, as the nodes have them: ${routes} of ${routesExpected} learned`,
    ...routeLines(view.nodes, colour),
  ].join('\n');
}

function reflectorLines(reflectors: readonly ReflectorView[], colour: boolean): string[] {
  const rows = reflectors.map((reflector) => {
    const cell = ({ peer, up }: { peer: string; up: boolean }): string =>
      paint(up ? peer : `${peer}…`, up, colour);
    const clients = reflector.sessions.filter(({ client }) => client).map(cell);
    const others = reflector.sessions.filter(({ client }) => !client).map(cell);
    return [reflector.name, reflector.clusterId, clients.join(' '), others.join(' ')];
  });
  return table([['REFLECTOR', 'CLUSTER ID', 'CLIENTS', 'OTHER REFLECTORS'], ...rows]);
}

function routeLines(nodes: readonly NodeView[], colour: boolean): string[] {
  const rows = nodes.flatMap((owner) =>
    owner.blocks.map((block) => {
      const nextHops = new Set<string>();
      const seenBy = nodes.map((node) => {
        if (node === owner) return 'own'.padEnd(node.name.length);
        const routes = node.learned.filter(({ prefix }) => prefix === block);
        for (const { nextHop } of routes) nextHops.add(nextHop);
        return paint(routes.length > 0 ? node.name : `${node.name}…`, routes.length > 0, colour);
      });
      return [block, owner.name, [...nextHops].sort().join(' ') || '-', seenBy.join(' ')];
    }),
  );
  return table([['BLOCK', 'ANNOUNCED BY', 'NEXT HOP', 'NODES THAT HAVE IT'], ...rows]);
}

function paint(text: string, good: boolean, colour: boolean): string {
  return colour ? styleText(good ? 'green' : 'yellow', text, { validateStream: false }) : text;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => visible(row[column] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visible(cell)))
      .join('   ')
      .trimEnd(),
  );
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}
