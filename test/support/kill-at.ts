/**
 * Loaded before the program (`node --import`): ends the process by SIGKILL at a named moment, so
 * that no code of ours runs after it. KILL_AT names the moment:
 * - `event TEXT`: when a log line with this text is about to be written;
 * - `name ENDING`: before a file gets a name with this ending, by a rename or a link; `named ENDING`:
 *   right after.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [moment = '', ...words] = (process.env['KILL_AT'] ?? '').split(' ');
const wanted = words.join(' ');

function die(): void {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered at once; nothing may happen in between.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

if (moment === 'event') {
  for (const stream of [process.stderr, process.stdout]) {
    const write = stream.write.bind(stream);
    stream.write = ((chunk: string, ...rest: []) => {
      if (String(chunk).includes(wanted)) die();
      return write(chunk, ...rest);
    }) as typeof stream.write;
  }
}

if (moment.startsWith('name')) {
  for (const way of ['rename', 'link'] as const) {
    const give = fs[way];
    fs[way] = async (from, to) => {
      const fits = String(to).endsWith(wanted);
      if (fits && moment === 'name') die();
      await give(from, to);
      if (fits) die();
    };
  }
  syncBuiltinESMExports();
}
