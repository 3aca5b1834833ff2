/** The page of docs/reference for one kind. */
import { KINDS, type Kind } from '../resource.ts';
import { SCHEMAS } from './schemas.ts';
import type { Field, Fields } from './shape.ts';
import {
  describeDefault,
  describeShape,
  describeSince,
  describeStanding,
  fieldsIn,
  stepOf,
} from './words.ts';

/** Markdown, made anew by `npm run generate`. */
export function referencePage(kind: Kind): string {
  const { description, names, spec, status, rules, example } = SCHEMAS[kind];
  const parts = [
    '<!-- Made by "npm run generate" from src/model/schema; do not edit. -->',
    `# ${kind}`,
    `\`apiVersion: ${KINDS[kind]}\``,
    description,
    `**Name.** ${names}`,
    ...(example === undefined ? [] : [`\`\`\`yaml\n${example}\`\`\``]),
    '## Fields',
    LEGEND,
    ...(spec === 'anything' ? [] : [tableOf(spec, 'spec')]),
    ...(status === undefined || status === 'anything' ? [] : ['## Status', tableOf(status, 'status')]),
    ...(rules.length === 0 ? [] : ['## Rules', rules.map(({ says }) => `* ${says}`).join('\n')]),
  ];
  return `${parts.join('\n\n')}\n`;
}

const LEGEND = `*honoured*: it does what it says. *reported*: accepted and kept, and a warning says that it has no effect here.
*accepted*: accepted and kept; it says nothing about BGP sessions or routes. A field that stands in no table is an error to
a person who writes it and a warning to an agent.`;

function tableOf(fields: Fields, path: string): string {
  const rows = [...rowsOf(fields, path)].map((cells) => `| ${cells.join(' | ')} |`);
  return [
    '| field | value | since | absent | here | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function* rowsOf(fields: Fields, path: string): Generator<readonly string[]> {
  for (const [name, field] of Object.entries(fields)) {
    const here = `${path}.${name}`;
    yield rowOf(here, field);
    const inner = fieldsIn(field.shape);
    if (inner !== undefined && field.like === undefined)
      yield* rowsOf(inner, `${path}.${stepOf(name, field.shape)}`);
  }
}

function rowOf(path: string, field: Field): readonly string[] {
  const { word, note } = describeStanding(field);
  const like =
    field.like === undefined ? '' : ` Its rules have the fields of ${field.like}, for its own family.`;
  return [
    `\`${path}\``,
    cell(describeShape(field.shape)),
    field.since === 'Enterprise' ? 'Enterprise' : describeSince(field).replace('Calico ', ''),
    field.required ? '*required*' : cell(describeDefault(field) ?? ''),
    note === undefined ? word : `${word}: ${cell(note)}`,
    cell(`${field.description}${like}`),
  ];
}

/** A bar would end the cell, and a star begin emphasis. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*');
}
