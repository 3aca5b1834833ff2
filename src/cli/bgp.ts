/** `bgp`: mesh, default AS and global peers, as calicoctl 0.x wrote them. */
import type { Command } from 'commander';
import type { ChangingFlags, PeerScope, ShowFlags } from './older/run-bgp.ts';
import { programName } from './program-name.ts';
import { addChangeOptions, addDatastoreOptions } from './resource-options.ts';

type NodeFlags = ChangingFlags & { readonly node?: string };

export function addBgp(program: Command): void {
  const bgp = program
    .command('bgp')
    .description('the node-to-node mesh, the default AS and peers of all nodes, as calicoctl 0.x did');
  addChangeOptions(
    addDatastoreOptions(
      bgp
        .command('node-mesh')
        .description('print whether the node-to-node mesh is on, or turn it on or off')
        .argument('[on|off]', 'turn it so'),
    ),
  ).action(async (wanted: string | undefined, flags: ChangingFlags) => {
    const { runNodeMesh } = await import('./older/run-bgp.ts');
    await runNodeMesh(wanted, flags, programName());
  });
  addChangeOptions(
    addDatastoreOptions(
      bgp
        .command('default-node-as')
        .description('print or set the AS number of nodes that have none of their own')
        .argument('[AS_NUMBER]', 'set it'),
    ),
  ).action(async (wanted: string | undefined, flags: ChangingFlags) => {
    const { runDefaultNodeAs } = await import('./older/run-bgp.ts');
    await runDefaultNodeAs(wanted, flags, programName());
  });
  addPeerVerbs(bgp, 'all nodes', () => ({ of: 'all' }));
}

/**
 * `peer add|remove|show` below a verb.
 * @param scopeOf whose peers, from the flags
 */
export function addPeerVerbs(
  parent: Command,
  whose: string,
  scopeOf: (flags: { readonly node?: string }) => PeerScope,
  addOptions: (verb: Command) => Command = (verb) => verb,
): void {
  const peer = parent.command('peer').description(`peers of ${whose}`);
  const below = (verb: Command): Command => addDatastoreOptions(addOptions(verb));
  addChangeOptions(
    below(
      peer
        .command('add')
        .description('add a peer: ADDRESS as AS_NUMBER')
        .argument('<ADDRESS>', 'of the peer')
        .argument('<as>', 'the word "as"')
        .argument('<AS_NUMBER>', 'of the peer'),
    ),
  ).action(async (address: string, as: string, number: string, flags: NodeFlags) => {
    const { runPeerAdd } = await import('./older/run-bgp.ts');
    await runPeerAdd(scopeOf(flags), { address, as, number }, flags, programName());
  });
  addChangeOptions(
    below(peer.command('remove').description('remove a peer').argument('<ADDRESS>', 'of the peer')),
  ).action(async (address: string, flags: NodeFlags) => {
    const { runPeerRemove } = await import('./older/run-bgp.ts');
    await runPeerRemove(scopeOf(flags), address, flags, programName());
  });
  below(
    peer
      .command('show')
      .description('show the peers')
      .option('--ipv4', 'IPv4 peers only')
      .option('--ipv6', 'IPv6 peers only'),
  ).action(async (flags: ShowFlags & NodeFlags) => {
    const { runPeerShow } = await import('./older/run-bgp.ts');
    await runPeerShow(scopeOf(flags), flags, programName());
  });
}
