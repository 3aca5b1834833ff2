/** The command `calico-rr`: words in, one verb called, its failure told. Verbs load what they need when called. */
import { keepCompiledCode } from './compiled-code.ts';

keepCompiledCode(import.meta.filename);
const { runProgram } = await import('./program.ts');
await runProgram();
