/** `node`: `node status` of every calicoctl, and what calicoctl 0.x said of nodes. */
import type { Command } from 'commander';
import { addPeerVerbs } from './bgp.ts';
import { programName } from './program-name.ts';
import { addDatastoreOptions } from './resource-options.ts';
import type { DatastoreFlags } from './resources/open.ts';
import { addStatusTo } from './status.ts';

export function addNode(program: Command): void {
  const node = program
    .command('node')
    .description('status of this node, its peers, and a table of all nodes');
  addStatusTo(node);
  const bgp = node.command('bgp').description('peers of one node, as calicoctl 0.x did');
  addPeerVerbs(
    bgp,
    'one node',
    ({ node: name }) => (name === undefined ? { of: 'node' } : { of: 'node', node: name }),
    (verb) => verb.option('--node <NODE>', 'the node (default: HOSTNAME, else the name of this host)'),
  );
  addDatastoreOptions(
    node.command('show').description('a table of all nodes with addresses, AS numbers and peers'),
  ).action(async (flags: DatastoreFlags) => {
    const { runNodeShow } = await import('./older/run-node-show.ts');
    await runNodeShow(flags, programName());
  });
}
