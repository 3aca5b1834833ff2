/**
 * The stand-in as a program, for laboratories whose hosts have a network of their own:
 * `node serve.ts ADDRESS PORT` serves until it is ended, and says so on standard output.
 */
import { startStandIn } from './server.ts';

const [host, port] = process.argv.slice(2);
if (host === undefined || port === undefined) throw new Error('usage: serve.ts ADDRESS PORT');
const standIn = await startStandIn({ listen: { host, port: Number(port) } });
process.stdout.write(`serving ${standIn.url}\n`);
