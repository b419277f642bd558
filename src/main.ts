#!/usr/bin/env node
/**
 * argv in, exit code out: the only file that touches the process's arguments, environment and exit.
 * It imports nothing of ours before the version was checked: an older Node.js could not read it.
 */
import { setFlagsFromString } from 'node:v8';

// Streams leave short-lived buffers behind by the gigabyte. With a small young generation they are
// collected soon, which keeps some 30 MB of resident memory away from the etcd beside us.
setFlagsFromString('--max-semi-space-size=2');
setFlagsFromString('--semi-space-growth-factor=1');

// Until its program is loaded and listens: what it would read anew it has not read yet.
if (process.argv[2] === 'run') process.on('SIGHUP', () => {});

let stdoutClosed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stdoutClosed = true;
});

const floor = 24;
const major = Number(process.versions.node.split('.')[0]);

if (major < floor) {
  process.stderr.write(
    `etcd-backupd needs Node.js ${floor} or newer; this is ${process.version}.\n`,
  );
  process.exitCode = 1;
} else {
  void main();
}

async function main(): Promise<void> {
  const { runProgram } = await import('./cli/program.ts');
  process.exitCode = await runProgram({
    argv: process.argv.slice(2),
    env: ownEnvironment(),
    terminal: {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      ready: stdoutReady,
      watched: process.stderr.isTTY === true,
    },
    signals: process,
    exit: (code) => process.exit(code),
  });
  reportIfHeld();
}

/** What systemd gave us is for us: programs that we start must not speak to it in our name. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  return env;
}

/** A reader that has seen enough, such as `head`, closes the pipe: no fault, only an end. */
async function stdoutReady(): Promise<boolean> {
  const { stdout } = process;
  if (stdout.writableNeedDrain && !stdoutClosed) {
    await new Promise((resolve) => {
      stdout.once('drain', resolve);
      stdout.once('error', resolve);
    });
  }
  return !stdoutClosed;
}

/** A handle that was not closed keeps a process alive for ever: say so, and end it. */
function reportIfHeld(): void {
  const limitMs = 5000;
  setTimeout(() => {
    const kept = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`etcd-backupd: still held after its end by: ${kept}\n`);
    process.exit();
  }, limitMs).unref();
}
