/**
 * One canonical BIRD configuration for a speaker, both families in one file (BIRD 2), or one file for each
 * (BIRD 1: dialects.ts). Pure and deterministic: the same input gives the same bytes.
 *
 * The text is a list of sections. A section that BIRD refuses can be left out when it has an owner (a session,
 * a custom filter); the sections without one are ours and are right or wrong for all.
 */
import { createHash } from 'node:crypto';
import type { Family } from '../../model/address.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import { filterFunctions } from './bgp-filter.ts';
import { reflectorDeclarations, reflectorFilters } from './filters.ts';
import {
  customFilterBlock,
  customFilterSubject,
  hasFamily,
  isCustomFilter,
  nodeExportFilter,
  nodeProtocols,
  sortedCustomFilters,
} from './node-role.ts';
import { type RenderOptions, type ResolvedRenderOptions, resolveRenderOptions } from './options.ts';
import { originDeclarations, originProtocols } from './origin-tables.ts';
import { contextOf, MASKED_PASSWORD, sessionBlock } from './session-block.ts';

/** Constants that the running configuration can be asked for (`eval NAME`). */
export const INSTANCE_CONSTANT = 'calico_rr_instance';
export const DIGEST_CONSTANT = 'calico_rr_digest';

export interface Section {
  /** Name of a session, `CustomFilter/...`, or null for what belongs to no one. */
  readonly owner: string | null;
  readonly text: string;
}

export interface Rendered {
  readonly text: string;
  /** What it begins with, before the line with its digest. */
  readonly globals: string;
  readonly sections: readonly Section[];
  /** Names the text; what runs can be asked for it. */
  readonly digest: string;
}

/** The blocks of sessions by name. */
export function sessionTextsOf(rendered: Rendered): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { owner, text } of rendered.sections) {
    if (owner !== null && !isCustomFilter(owner)) texts.set(owner, text);
  }
  return texts;
}

/**
 * The text of bird.conf.
 * @param passwords TCP-MD5 passwords by session name; absent: every password is shown as `********`
 */
export function renderBird(
  config: SpeakerConfig,
  options: RenderOptions,
  passwords?: ReadonlyMap<string, string>,
): string {
  return renderSections(config, options, passwords, new Set()).text;
}

/**
 * The same in sections.
 * @param without owners that are left out
 */
export function renderSections(
  config: SpeakerConfig,
  options: RenderOptions,
  passwords: ReadonlyMap<string, string> | undefined,
  without: ReadonlySet<string>,
): Rendered {
  const resolved = resolveRenderOptions(options);
  const body: Section[] = [];
  const custom = sortedCustomFilters(config).filter((filter) => !without.has(customFilterSubject(filter)));
  if (config.forwards) {
    for (const filter of custom) {
      body.push({ owner: customFilterSubject(filter), text: customFilterBlock(filter) });
    }
  }
  body.push({ owner: null, text: common(config, resolved, custom) });
  if (resolved.origins !== null) {
    body.push({ owner: null, text: originProtocols(resolved.origins, familiesOf(config)) });
  }
  const context = contextOf(config, resolved);
  for (const session of config.sessions) {
    if (without.has(session.name)) continue;
    const password = session.password
      ? passwords === undefined
        ? MASKED_PASSWORD
        : passwords.get(session.name)
      : undefined;
    body.push({
      owner: session.name,
      text: sessionBlock(config, resolved, context, session, password),
    });
  }
  return assemble(header(config, resolved), body);
}

/** The same text without the sections of these owners. */
export function withoutOwners({ globals, sections }: Rendered, owners: ReadonlySet<string>): Rendered {
  const [, ...body] = sections;
  return assemble(
    globals,
    body.filter(({ owner }) => owner === null || !owners.has(owner)),
  );
}

function assemble(globals: string, body: readonly Section[]): Rendered {
  const bodyText = body.map((section) => section.text).join('');
  const digest = createHash('sha256').update(globals).update(bodyText).digest('hex').slice(0, 16);
  const first = `${globals}define ${DIGEST_CONSTANT} = "${digest}";\n`;
  return { text: first + bodyText, globals, sections: [{ owner: null, text: first }, ...body], digest };
}

/** An instance's name as it stands in the file: what could end the string or the comment is replaced. */
export function instanceMark(instance: string): string {
  return instance.replace(/[^A-Za-z0-9_.:-]/g, '_');
}

function header(config: SpeakerConfig, options: ResolvedRenderOptions): string {
  const lines = [
    `# Written by calico-rr for ${instanceMark(options.instance)}. Changes made here by hand are overwritten.`,
    `define ${INSTANCE_CONSTANT} = "${instanceMark(options.instance)}";`,
    ...logging(options),
    ...listening(config, options),
    `router id ${config.routerId};`,
    ...gracefulRestartWait(config),
    ...debugging(config),
  ];
  return `${lines.join('\n')}\n`;
}

function logging(options: ResolvedRenderOptions): readonly string[] {
  switch (options.logTo) {
    case 'stderr':
      return ['log stderr all;'];
    case 'syslog':
      return ['log syslog all;'];
    case 'file':
      // BIRD 1 does not rotate by itself.
      return options.dialect === 'bird2'
        ? ['log "bird.log" 8388608 "bird.log.1" all;']
        : ['log "bird.log" all;'];
    default:
      return options.logTo satisfies never;
  }
}

/** BIRD 1 has one socket for all sessions; in BIRD 2 each session names its own end. */
function listening(config: SpeakerConfig, options: ResolvedRenderOptions): readonly string[] {
  const own = config.ipv4 ?? config.ipv6;
  if (options.dialect === 'bird2' || own === null) return [];
  return [`listen bgp address ${own} port ${config.listenPort};`];
}

/**
 * After a restart BIRD sends nothing until every peer has sent its End-of-RIB, or this time is over (its own
 * default is 240 s). A peer that is dead never will; one that has been for long is left out at the start
 * (away-peers.ts), and for one that died just now the wait is a minute, and never longer than our peers keep our routes.
 */
function gracefulRestartWait(config: SpeakerConfig): readonly string[] {
  let wait = 60;
  for (const session of config.sessions) {
    if (session.gracefulRestartSeconds > 0) wait = Math.min(wait, session.gracefulRestartSeconds);
  }
  return [`graceful restart wait ${Math.max(1, wait)};`];
}

/** Calico's words: `debug` is everything, `none` nothing, `info` the changes of state. */
function debugging(config: SpeakerConfig): readonly string[] {
  switch (config.logLevel) {
    case 'debug':
      return ['debug protocols all;'];
    case 'info':
      return ['debug protocols { states };'];
    case 'none':
      return [];
    default:
      return config.logLevel satisfies never;
  }
}

function familiesOf(config: SpeakerConfig): readonly Family[] {
  return ([4, 6] as const).filter((family) => hasFamily(config, family));
}

function common(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  custom: SpeakerConfig['customFilters'],
): string {
  const families = familiesOf(config);
  const filters = families.flatMap((family) => filterFunctions(config, family));
  const origins = originDeclarations(options.origins, families);
  const lines = !config.forwards
    ? [
        ...reflectorDeclarations(options),
        ...origins,
        ...filters,
        ...families.flatMap((family) => reflectorFilters(config, options, family)),
        'protocol device {',
        '}',
      ]
    : [
        ...origins,
        ...filters,
        ...families.flatMap((family) => nodeExportFilter(config, options, custom, family)),
        'protocol device {',
        '  scan time 2;',
        '}',
        ...nodeProtocols(config, options),
      ];
  return `${lines.join('\n')}\n`;
}
