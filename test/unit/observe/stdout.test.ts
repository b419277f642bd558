import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const log = new URL('../../../src/observe/log.ts', import.meta.url).href;
const script = `
  import { logObserver } from ${JSON.stringify(log)};
  const observe = logObserver({ level: 'info', pretty: false });
  for (let at = 0; at < 2000; at += 1) observe({ kind: 'daemon-stopped', uptimeMs: at });
  process.stderr.write('went on');
  process.exit(0);
`;

function writeLog() {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, ended: once(child, 'close') };
}

test('loses no line when the process exits right after it', async () => {
  const { child, ended } = writeLog();

  const [written] = await Promise.all([text(child.stdout), ended]);

  expect(written.trimEnd().split('\n')).toHaveLength(2000);
});

test('goes on when nobody reads its output any more', async () => {
  const { child, ended } = writeLog();
  child.stdout.destroy();

  const [talk, [code]] = await Promise.all([text(child.stderr), ended]);

  expect({ talk, code }).toEqual({ talk: 'went on', code: 0 });
});
