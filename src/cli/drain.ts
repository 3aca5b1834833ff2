/** `calico-rr drain`: takes the local reflector out of service without a client losing a route. */
import type { Command } from 'commander';

interface Flags {
  readonly name?: string;
  readonly stateDir?: string;
  readonly timeout: string;
  readonly force?: boolean;
  readonly message: string;
}

export function addDrain(program: Command): void {
  program
    .command('drain')
    .description(
      'take the instance that runs here out of service: peers first take other paths, then sessions close',
    )
    .option('--name <NAME>', 'name or address that the instance was started with')
    .option('--state-dir <DIR>', 'state folder that the instance was started with')
    .option('--timeout <SECONDS>', 'how long clients may take to have another established reflector', '60')
    .option('--force', 'close even where clients are left without a reflector')
    .option('--message <TEXT>', 'told to the peers (RFC 9003)', 'drained by calico-rr')
    .action(async (flags: Flags) => {
      const { readWhole } = await import('./run-settings.ts');
      const { controlSocketOf } = await import('./instance.ts');
      const { askControl } = await import('../server/control-client.ts');
      const timeoutSeconds = readWhole('--timeout', flags.timeout, 60, [0, 86_400]);
      await askControl({
        socket: controlSocketOf(process.env, flags),
        method: 'POST',
        path: '/drain',
        body: { timeoutSeconds, force: flags.force === true, message: flags.message },
        progress: (text) => process.stderr.write(`${text}\n`),
      });
      process.stdout.write(
        'drained: every session is closed; a restart brings this reflector back into service\n',
      );
    });
}
