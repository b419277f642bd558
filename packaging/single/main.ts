/** Where the program that is one file begins: as itself, or as its own process for a mount. */
import { mountWord } from './child-program.ts';

// Only who was started with a channel: nobody becomes such a process by a word on the command line.
const isForMount = process.send !== undefined && process.argv.at(-1) === mountWord;

void (isForMount ? import('../../src/store/nfs/child-process.ts') : import('../../src/main.ts'));
