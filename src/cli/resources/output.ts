/**
 * `-o` of the verbs that print resources: calicoctl's formats (ps, wide, custom-columns, yaml, json) and kubectl's
 * name and jsonpath. What is asked for is read before anything is asked of the datastore.
 */
import { CalicoRrError } from '../../model/errors.ts';
import type { Json, Kind, Resource } from '../../model/resource.ts';
import type { Template } from './jsonpath.ts';
import { type CellContext, type Column, entryOf } from './kinds.ts';
import { type Found, printedValue, resourcesOf } from './listed.ts';
import { printTable } from './table-text.ts';

export type Output =
  | { readonly is: 'table'; readonly wide: boolean }
  | { readonly is: 'columns'; readonly columns: readonly AskedColumn[] }
  | { readonly is: 'yaml'; readonly write: (value: Json) => string }
  | { readonly is: 'json' }
  | { readonly is: 'name' }
  | { readonly is: 'jsonpath'; readonly template: Template };

/** A heading of the kind's table, or one of one's own with a JSONPath. */
export type AskedColumn =
  | { readonly heading: string; readonly path: undefined }
  | { readonly heading: string; readonly path: Template };

const FORMATS = 'yaml, json, wide, name, custom-columns=A,B and jsonpath=TEMPLATE';

/** What only some formats need is loaded for them alone. @throws E_USAGE */
export async function readOutput(given: string | undefined): Promise<Output> {
  // -o=yaml is taken for -o yaml.
  const format = given?.replace(/^=/, '');
  if (format === undefined || format === '' || format === 'ps') return { is: 'table', wide: false };
  if (format === 'wide') return { is: 'table', wide: true };
  if (format === 'yaml' || format === 'yml')
    return { is: 'yaml', write: (await import('./yaml-text.ts')).asYaml };
  if (format === 'json' || format === 'name') return { is: format };
  const [name = '', argument] = split(format);
  if (name === 'go-template' || name === 'go-template-file')
    throw new CalicoRrError('E_USAGE', `-o ${name} is not supported: it is a language of Go's own.`, {
      hint: "Use -o jsonpath='{.spec.asNumber}', -o custom-columns=NAME,ASN, or -o json with jq.",
    });
  if (name === 'custom-columns') {
    const columns = (argument ?? '').split(',').filter((column) => column.trim() !== '');
    if (columns.length === 0)
      throw new CalicoRrError('E_USAGE', '-o custom-columns names no column.', {
        hint: 'Use custom-columns=NAME,ASN, or custom-columns=NAME:.metadata.name.',
      });
    return { is: 'columns', columns: await Promise.all(columns.map(readColumn)) };
  }
  if (name === 'jsonpath') {
    if (argument === undefined || argument === '')
      throw new CalicoRrError('E_USAGE', '-o jsonpath has no template.', {
        hint: "Use jsonpath='{.items[*].metadata.name}'.",
      });
    return { is: 'jsonpath', template: await templateOf(argument) };
  }
  throw new CalicoRrError('E_USAGE', `unrecognized output format '${format}'`, {
    hint: `There are ${FORMATS}.`,
  });
}

/** What goes to standard output. @throws E_USAGE for a heading that the kind does not have */
export function printed(found: Found, output: Output, context: CellContext, exported = false): string {
  switch (output.is) {
    case 'yaml':
      return output.write(printedValue(found, exported));
    case 'json':
      return JSON.stringify(printedValue(found, exported), null, 2);
    case 'name':
      return resourcesOf(found)
        .map(({ kind, metadata }) => `${entryOf(kind).aliases[0]}/${metadata.name}\n`)
        .join('');
    case 'jsonpath':
      return output.template(printedValue(found, exported));
    case 'table':
    case 'columns':
      return byKind(found)
        .map(({ kind, resources }) => tableOf(kind, resources, output, context))
        .join('');
    default:
      return output satisfies never;
  }
}

/** What is printed with a line for each resource: all that has to be kept of a resource are its cells. */
export interface Lines {
  readonly cells: (resource: Resource, context: CellContext) => readonly string[];
  /** All lines, with what stands around them. */
  readonly print: (lines: readonly (readonly string[])[]) => string;
}

/** Undefined where more than lines is asked for. @throws E_USAGE for a heading that the kind does not have */
export function linesOf(kind: Kind, output: Output): Lines | undefined {
  if (output.is === 'name') {
    const [alias] = entryOf(kind).aliases;
    return {
      cells: ({ metadata }) => [`${alias}/${metadata.name}\n`],
      print: (lines) => lines.flat().join(''),
    };
  }
  return output.is === 'table' || output.is === 'columns' ? tableLines(kind, output) : undefined;
}

function tableLines(kind: Kind, output: Extract<Output, { readonly is: 'table' | 'columns' }>): Lines {
  const columns = columnsOf(kind, output);
  return {
    cells: (resource, context) => columns.map(({ cell }) => cell(resource, context)),
    print: (lines) =>
      printTable(
        columns.map(({ heading }) => heading),
        lines,
      ),
  };
}

function tableOf(
  kind: Kind,
  resources: readonly Resource[],
  output: Extract<Output, { readonly is: 'table' | 'columns' }>,
  context: CellContext,
): string {
  const { cells, print } = tableLines(kind, output);
  return print(resources.map((resource) => cells(resource, context)));
}

function columnsOf(
  kind: Kind,
  output: Extract<Output, { readonly is: 'table' | 'columns' }>,
): readonly Column[] {
  const { columns, narrow } = entryOf(kind);
  if (output.is === 'columns') return output.columns.map((asked) => columnAsked(asked, columns));
  return output.wide ? columns : columns.filter(({ heading }) => narrow.includes(heading));
}

function columnAsked({ heading, path }: AskedColumn, columns: readonly Column[]): Column {
  if (path !== undefined) return { heading, cell: (resource) => path(printedValue({ is: 'one', resource })) };
  const column = columns.find((one) => one.heading === heading.toUpperCase());
  if (column !== undefined) return column;
  const valid = columns.map((one) => one.heading).join(', ');
  throw new CalicoRrError('E_USAGE', `unknown heading ${heading}, valid values are: ${valid}`);
}

async function readColumn(text: string): Promise<AskedColumn> {
  const colon = text.indexOf(':');
  if (colon < 0) return { heading: text.trim(), path: undefined };
  const path = text.slice(colon + 1).replace(/^\{(.*)\}$/, '$1');
  return { heading: text.slice(0, colon).trim(), path: await templateOf(`{${path}}`) };
}

async function templateOf(text: string): Promise<Template> {
  return (await import('./jsonpath.ts')).compileTemplate(text);
}

/** `NAME=ARGUMENT`, the argument as it is; shells leave the quotes of some habits in it. */
function split(format: string): readonly string[] {
  const equals = format.indexOf('=');
  return equals < 0 ? [format] : [format.slice(0, equals), format.slice(equals + 1)];
}

/** One table for each run of one kind. */
function byKind(found: Found): readonly { readonly kind: Kind; readonly resources: readonly Resource[] }[] {
  if (found.is === 'list') return [{ kind: found.kind, resources: found.resources }];
  const groups: { kind: Kind; resources: Resource[] }[] = [];
  for (const resource of resourcesOf(found)) {
    const last = groups.at(-1);
    if (last?.kind === resource.kind) last.resources.push(resource);
    else groups.push({ kind: resource.kind, resources: [resource] });
  }
  return groups;
}
