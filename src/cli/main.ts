/** The command `calico-rr`: words in, one verb called, its failure told. Verbs load what they need when called. */
import { enableCompileCache } from 'node:module';

// Compiled code is kept from one call to the next: most of the time until a verb does something is compiling.
enableCompileCache();
const { runProgram } = await import('./program.ts');
await runProgram();
