/**
 * `npm test [-- --no-e2e] [-- --only PATTERN]`: prepares the daemons that the tests need and runs every suite.
 *
 * --no-e2e        leave out what needs root (network namespaces)
 * --only PATTERN  only test files whose path matches this regular expression
 *
 * Exit status 1 when a test failed, when a suite turned out empty, or when a suite could not be run.
 */
import { spawn } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { missingChecks } from '../test/support/checks.ts';
import { prepareDebian, type ToolName } from './debian.ts';
import { ownNetwork } from './own-network.ts';

interface Suite {
  readonly name: string;
  readonly files: string;
  /** Files at a time. Two cores; the daemons of contract and e2e files are further processes. */
  readonly concurrency: number;
  readonly needsRoot?: boolean;
  /** Runs in a network namespace of its own where this system lets us. */
  readonly ownNetwork?: boolean;
  /** Further programs of Debian that it needs. */
  readonly tools?: readonly ToolName[];
}

const SUITES: readonly Suite[] = [
  { name: 'unit', files: 'src/**/*.test.ts', concurrency: 2 },
  { name: 'contract', files: 'test/contract/**/*.test.ts', concurrency: 2 },
  { name: 'conformance', files: 'test/conformance/**/*.test.ts', concurrency: 2 },
  {
    name: 'interop',
    files: 'test/interop/**/*.test.ts',
    concurrency: 1,
    ownNetwork: true,
    tools: ['frr-bgpd', 'vtysh', 'gobgpd', 'gobgp', 'openbgpd', 'openbgpctl'],
  },
  {
    name: 'differential',
    files: 'test/differential/**/*.test.ts',
    concurrency: 1,
    ownNetwork: true,
  },
  { name: 'integration', files: 'test/integration/**/*.test.ts', concurrency: 2 },
  { name: 'cli', files: 'test/cli/**/*.test.ts', concurrency: 2 },
  { name: 'docs', files: 'test/docs/**/*.test.ts', concurrency: 1, ownNetwork: true },
  { name: 'e2e', files: 'test/e2e/**/*.test.ts', concurrency: 1, needsRoot: true },
];

type Outcome = 'passed' | 'failed' | 'empty' | 'needs root' | 'left out';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The environment of tests: nothing of the caller's that would point them at a real datastore or daemon. */
function testEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(ETCD_|CALICO_|DATASTORE_TYPE$|KUBECONFIG$|K8S_|KUBERNETES_|NAMESPACE$|NODENAME$|USE_POD_CIDR$|IP6?$|NODE_TEST_CONTEXT$|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function commandOf(suite: Suite, files: readonly string[]): readonly string[] {
  return [
    ...(suite.ownNetwork === true ? ownNetwork() : []),
    process.execPath,
    ...['--test', '--test-reporter=spec', `--test-concurrency=${suite.concurrency}`, ...files],
  ];
}

function runFiles(suite: Suite, files: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const [program = process.execPath, ...words] = commandOf(suite, files);
    const child = spawn(program, words, { cwd: root, stdio: 'inherit', env: testEnvironment() });
    // Ctrl-C reaches the tests by themselves; they take down what they made, and then this ends.
    const forward = (signal: NodeJS.Signals): void => {
      interrupted = true;
      if (signal !== 'SIGINT') child.kill(signal);
    };
    const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.on('error', reject);
    child.on('exit', (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code === 0);
    });
  });
}

let interrupted = false;

async function runSuite(suite: Suite, only: RegExp | undefined, noE2e: boolean): Promise<Outcome> {
  const all = globSync(suite.files, { cwd: root }).sort();
  const files = only === undefined ? all : all.filter((file) => only.test(file));
  if (files.length === 0) return all.length > 0 || only !== undefined ? 'left out' : 'empty';
  if (suite.needsRoot === true && noE2e) return 'left out';
  if (suite.needsRoot === true && process.getuid?.() !== 0) return 'needs root';
  process.stdout.write(`\n== ${suite.name}: ${files.length} files\n`);
  if (suite.tools !== undefined) await prepareDebian(suite.tools);
  const complete = suite.name === 'e2e' && files.length === all.length;
  if (complete) rmSync(join(root, '.cache/checks'), { recursive: true, force: true });
  const passed = await runFiles(suite, files);
  const missing = complete ? missingChecks() : [];
  for (const sentence of missing) process.stdout.write(`not checked: ${sentence}\n`);
  return passed && missing.length === 0 ? 'passed' : 'failed';
}

const { values } = parseArgs({
  options: { 'no-e2e': { type: 'boolean', default: false }, only: { type: 'string' } },
});
const only = values.only === undefined ? undefined : new RegExp(values.only);

/** A test file that belongs to no suite would never run, and nobody would notice. */
const suited = new Set(SUITES.flatMap((suite) => globSync(suite.files, { cwd: root })));
const stray = globSync('{src,test,scripts,bench}/**/*.test.ts', { cwd: root }).filter(
  (file) => !suited.has(file),
);

await prepareDebian();
const outcomes: { suite: string; outcome: Outcome; seconds: number }[] = [];
for (const suite of SUITES) {
  if (interrupted) break;
  const start = Date.now();
  const outcome = await runSuite(suite, only, values['no-e2e']);
  outcomes.push({ suite: suite.name, outcome, seconds: Math.round((Date.now() - start) / 1000) });
}

process.stdout.write('\n');
for (const { suite, outcome, seconds } of outcomes) {
  const explained =
    outcome === 'needs root'
      ? 'could not run: network namespaces need root (--no-e2e leaves it out on purpose)'
      : outcome === 'empty'
        ? 'has no test: that is a failure'
        : outcome;
  process.stdout.write(`${suite.padEnd(12)} ${String(seconds).padStart(4)} s  ${explained}\n`);
}
for (const file of stray) process.stdout.write(`${file} belongs to no suite of scripts/test.ts\n`);

const ran = outcomes.some(({ outcome }) => outcome === 'passed' || outcome === 'failed');
const bad = outcomes.some(({ outcome }) => outcome !== 'passed' && outcome !== 'left out');
if (!ran) process.stdout.write('no test file was run\n');
process.exit(interrupted ? 130 : bad || !ran || stray.length > 0 ? 1 : 0);
