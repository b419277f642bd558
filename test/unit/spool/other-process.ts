/** A program that makes a file in the spool, tells its name, and then lives until it is killed. */
import { basename } from 'node:path';
import { openSpool } from '../../../src/spool/spool.ts';

// Whoever reads the process table must not be led astray by a name.
process.title = ') R 1 (';
const file = await openSpool({ dir: process.argv[2] ?? '', maxBytes: 0 }).create(0);
process.stdout.write(basename(file.path));
process.stdin.resume();
