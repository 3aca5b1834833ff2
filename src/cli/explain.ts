/** `explain`: what a kind or field is for, why two speakers have a session or none, why a route goes where it goes. */
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addControlOptions } from './control-options.ts';
import { addDatastoreOrConfig } from './datastore-flags.ts';
import type { ExplainRouteFlags } from './explain/route.ts';
import type { ExplainSessionFlags } from './explain/run-session.ts';

export function addExplain(program: Command): void {
  const verb = program
    .command('explain')
    .description('explain a kind, a field, a session, or a route')
    .argument('<KIND[.FIELD]>', 'a kind, or the way to a field of it: bgppeer.spec.reversePeering')
    .action(async (path: string) => {
      const { explainField } = await import('./explain/fields.ts');
      const { findKind } = await import('./resources/kinds.ts');
      process.stdout.write(`${explainField(path, (word) => findKind(word)?.kind)}\n`);
    });
  addDatastoreOrConfig(
    verb
      .command('session')
      .description(
        'say which resource and which rule make the session of two speakers, at both ends, or why there is none',
      )
      .argument('<SPEAKER>', 'a RouteReflector or Node, or an address')
      .argument('<PEER>', 'the other end: a name or an address')
      .option('-f, --file <FILE|DIR>', 'read resources from files instead of the datastore')
      .option('-o, --output <FORMAT>', 'json: everything')
      .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP),
  ).action(async (speaker: string, peer: string, flags: ExplainSessionFlags) => {
    const { runExplainSession } = await import('./explain/run-session.ts');
    await runExplainSession(speaker, peer, flags);
  });
  addControlOptions(
    verb
      .command('route')
      .description('say who told a running reflector a route, which one won at which step, and whom it told')
      .argument('<PREFIX>', 'a prefix, or an address in it')
      .option('-o, --output <FORMAT>', 'json: everything'),
  ).action(async (prefix: string, flags: ExplainRouteFlags) => {
    const { runExplainRoute } = await import('./explain/route.ts');
    await runExplainRoute(prefix, flags);
  });
}
