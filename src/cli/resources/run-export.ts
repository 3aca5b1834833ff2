/** `export`: everything that calico-rr knows of a cluster as documents for `apply -f -` somewhere else. */

import { CalicoRrError } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { failedToExecute } from './failure.ts';
import { kindOf, RESOURCE_KINDS } from './kinds.ts';
import { documentOf } from './listed.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { readOutput } from './output.ts';
import { asYaml } from './yaml-text.ts';

export interface ExportFlags extends DatastoreFlags {
  readonly output?: string;
}

/** In the order in which they can be applied: what others refer to first. */
const ORDER: readonly Kind[] = [
  'BGPConfiguration',
  'IPPool',
  'BGPFilter',
  'Node',
  'RouteReflector',
  'BGPPeer',
  'CustomFilter',
  'CalicoNodeStatus',
];

/** @param words kinds; none means all that can be written */
export async function runExport(
  words: readonly string[],
  flags: ExportFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const output = await readOutput(flags.output ?? 'yaml');
    if (output.is !== 'yaml' && output.is !== 'json')
      throw new CalicoRrError('E_USAGE', 'export writes documents.', { hint: 'Use -o yaml or -o json.' });
    const asked = new Set(words.map((word) => kindOf(word).kind));
    const kinds = RESOURCE_KINDS.filter(
      ({ kind, writable }) => (asked.size === 0 && writable) || asked.has(kind),
    ).map(({ kind }) => kind);
    const datastore = await openForVerb(flags, program);
    try {
      const documents = [];
      for (const kind of [...ORDER, ...kinds].filter((one, at, all) => all.indexOf(one) === at)) {
        if (!kinds.includes(kind)) continue;
        const listing = await datastore.list(kind);
        for (const { problem } of listing.broken)
          process.stderr.write(`warning: left out: ${problem.subject}: ${problem.message}\n`);
        documents.push(...listing.resources.map((resource) => documentOf(resource, true)));
      }
      process.stdout.write(
        output.is === 'json'
          ? `${JSON.stringify({ kind: 'List', apiVersion: 'v1', items: documents }, null, 2)}\n`
          : documents.map((document) => asYaml(document)).join('---\n'),
      );
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}
