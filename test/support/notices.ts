/**
 * A socket of unix datagrams as systemd has one. Node.js cannot listen on such; Python can, and
 * prints what comes as lines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { whichProgram } from '../setup/program.ts';
import { findSystemd } from '../setup/systemd.ts';

// systemd-notify passes a descriptor and waits until it is closed: then the notice was read.
const listener = `
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print('listening', flush=True)
while True:
    data, control, _, _ = server.recvmsg(4096, 256)
    for level, kind, fds in control:
        if kind == socket.SCM_RIGHTS:
            for fd in array.array('i', fds): os.close(fd)
    for line in data.decode().splitlines(): print(line, flush=True)
`;

export class NoticeSocket implements AsyncDisposable {
  readonly path: string;
  /** Where `systemd-notify` is: on this machine, else that of the system in the cache. */
  readonly programs: string;
  /** What came, without the markers by which a sender waits. */
  readonly words: string[] = [];
  readonly #folder: string;
  readonly #process: ChildProcess;
  #heard: () => void = () => undefined;

  static async open(): Promise<NoticeSocket> {
    const socket = new NoticeSocket();
    await socket.until('listening');
    return socket;
  }

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'notices-'));
    this.path = join(this.#folder, 'socket');
    this.programs = join(this.#folder, 'bin');
    mkdirSync(this.programs);
    writeFileSync(join(this.programs, 'systemd-notify'), notifyScript(), { mode: 0o755 });
    this.#process = spawn('python3', ['-c', listener, this.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      if (line !== 'BARRIER=1') this.words.push(line);
      this.#heard();
    });
  }

  /** Waits for a word from the start of the test on. */
  async until(word: string | RegExp, count = 1, limitMs = 15_000): Promise<void> {
    const late = AbortSignal.timeout(limitMs);
    const came = () => this.words.filter((each) => each === word || each.match(word) !== null);
    while (came().length < count) {
      if (late.aborted) throw new Error(`no ${word} number ${count} in: ${this.words.join(' | ')}`);
      const heard = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      await Promise.race([heard, once(late, 'abort')]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.kill('SIGKILL')) await once(this.#process, 'exit');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function notifyScript(): string {
  const here = whichProgram('systemd-notify', process.env);
  const { root } = findSystemd() ?? { root: '' };
  if (here === undefined && root === '') {
    throw new Error('systemd-notify is missing; try: node test/setup/systemd.ts');
  }
  const libs = `"${root}"/usr/lib/*-linux-gnu`;
  const loaded = `"${root}"/lib64/ld-linux-* --library-path "$(echo ${libs})" `;
  const program = here ?? `${loaded}"${root}"/usr/bin/systemd-notify`;
  return `#!/bin/sh\nPATH=/usr/bin:/bin\nexec ${program} "$@"\n`;
}
