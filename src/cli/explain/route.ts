/** `explain route PREFIX`: who told a running reflector, which route won and why, whom it told. */
import type { ExplainedAttributes, RouteExplanation } from '../../engine/route-explanation.ts';
import { parseAddress, parsePrefix } from '../../model/address.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { askControl } from '../../server/control-client.ts';
import type { ControlFlags } from '../control-options.ts';
import { controlTargetOf } from '../control-target.ts';
import { checkOutput } from '../output.ts';
import { plainTable } from '../table.ts';

export interface ExplainRouteFlags extends ControlFlags {
  readonly output?: string;
}

/** @throws E_USAGE, E_NOT_FOUND; what asking an agent throws */
export async function runExplainRoute(text: string, flags: ExplainRouteFlags): Promise<void> {
  const json = checkOutput(flags.output);
  const prefix = prefixOrAddress(text);
  const at = controlTargetOf(process.env, flags);
  const answer = await askControl({ at, method: 'POST', path: '/route', body: { prefix } });
  if (json) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else if (isExplanation(answer)) process.stdout.write(explanationText(answer));
}

function prefixOrAddress(text: string): string {
  const known = text.includes('/') ? parsePrefix(text) : parseAddress(text);
  if (known !== undefined) return known;
  throw new CalicoRrError('E_USAGE', `${JSON.stringify(text)} is neither a prefix nor an address`, {
    hint: 'Write 10.65.3.0/26, or an address in it; IPv6 likewise.',
  });
}

/** The agent that answers is this same program; a folder's socket is nobody else's. */
function isExplanation(value: unknown): value is RouteExplanation {
  return typeof value === 'object' && value !== null && 'routes' in value && 'told' in value;
}

function explanationText({ prefix, routes, told }: RouteExplanation): string {
  const rows = routes.map(({ session, pathId, state, verdict, step, attributes }) => [
    pathId === null ? session : `${session} path ${pathId}`,
    ...cells(attributes),
    [step === null ? verdict : `${verdict} (step ${step})`, ...(state === 'fresh' ? [] : [state])].join(', '),
  ]);
  const byPath = told.some(({ pathId }) => pathId !== null);
  const groups = told.map(({ sessions, pathId, attributes }) => [
    sessions.length > 4
      ? `${sessions.slice(0, 3).join(' ')} and ${sessions.length - 3} more`
      : sessions.join(' '),
    ...(byPath ? [`${pathId ?? '-'}`] : []),
    ...cells(attributes),
  ]);
  const head = ['NEXT HOP', 'AS PATH', 'LOCAL_PREF', 'MED', 'ORIGINATOR', 'CLUSTERS', 'COMMUNITIES'];
  return [
    `${prefix}, as it came in:`,
    plainTable(['FROM', ...head, 'VERDICT'], rows),
    '',
    ...(groups.length === 0
      ? ['It is told to nobody.']
      : ['As it goes out:', plainTable(['TO', ...(byPath ? ['PATH'] : []), ...head], groups)]),
    '',
  ].join('\n');
}

function cells(attributes: ExplainedAttributes): readonly string[] {
  const { nextHop, asPath, localPref, med, originatorId, clusterList, communities } = attributes;
  const or = (text: string): string => (text === '' ? '-' : text);
  return [
    nextHop,
    or(asPath),
    `${localPref ?? '-'}`,
    `${med ?? '-'}`,
    originatorId ?? '-',
    or(clusterList.join(' ')),
    or(communities.join(' ')),
  ];
}
