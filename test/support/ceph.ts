/** Real Ceph servers for a test file: one node in namespaces of its own, gone with the file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { bringCeph, type CephPackages, type CephSuite, cephSuites } from '../setup/ceph.ts';
import type { CertificatePair } from './certificates.ts';

export interface Ceph extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** The same server behind TLS, where a certificate was given. */
  readonly tlsUrl: string | undefined;
  /** Runs a line in the node's shell: `admin user suspend --uid=x`, `kill -STOP $gateway_pid`. */
  run(line: string): Promise<string>;
  /** A new user with a key of his own. */
  user(name: string): Promise<CephKeys>;
}

export interface CephKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The packages of a suite, or why they cannot be had here. Where MUST_RUN_S3 is 1, not having them
 * is a failure.
 */
export async function cephHere(
  suite: CephSuite,
): Promise<{ packages: CephPackages; skip?: never } | { packages?: never; skip: string }> {
  try {
    return { packages: await bringCeph(suite) };
  } catch (thrown) {
    const skip = `no Ceph of ${suite}: ${(thrown as Error).message.split('\n').at(-1)}`;
    if (process.env.MUST_RUN_S3 === '1') throw new Error(skip, { cause: thrown });
    return { skip };
  }
}

/** Every server that tests are run against, for `describe.each`. */
export function cephServers() {
  return Promise.all(cephSuites.map(async (suite) => ({ suite, ...(await cephHere(suite)) })));
}

/** Starts a node. It takes two seconds and 400 MB, and more for what it stores. */
export async function startCeph(packages: CephPackages, tls?: CertificatePair): Promise<Ceph> {
  const data = mkdtempSync(join(tmpdir(), 'ceph-'));
  const [port, monPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
  if (tls !== undefined) {
    writeFileSync(join(data, 'tls.pem'), readFileSync(tls.key) + readFileSync(tls.cert, 'utf8'));
  }
  const ports = [port, monPort, ...(tls === undefined ? [] : [tlsPort])].map(String);
  const script = join(import.meta.dirname, 'ceph-node.sh');
  const root = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const namespaces = [...root, '--mount', '--pid', '--fork', '--kill-child'];
  const child = spawn('unshare', [...namespaces, 'bash', script, packages.root, data, ...ports], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const shell = new Shell(child);
  const stop = async () => {
    await shell.end();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await shell.until('ready');
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    tlsUrl: tls === undefined ? undefined : `https://127.0.0.1:${tlsPort}`,
    run: (line) => shell.run(line),
    user: (name) => makeUser(shell, name),
    [Symbol.asyncDispose]: stop,
  };
}

async function makeUser(shell: Shell, name: string): Promise<CephKeys> {
  const told = await shell.run(`admin user create --uid=${name} --display-name=${name}`);
  const { keys } = JSON.parse(told) as { keys: { access_key: string; secret_key: string }[] };
  const [key] = keys;
  if (key === undefined) throw new Error(`user ${name} has no key`);
  return { accessKeyId: key.access_key, secretAccessKey: key.secret_key };
}

class Shell {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<void>;
  #said = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk).slice(-4000);
    });
    this.#ended = new Promise((resolve) => {
      child.once('close', () => resolve());
      child.once('error', (error) => {
        this.#said += error.message;
        resolve();
      });
    });
  }

  async run(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    const { text, status } = await this.until(/^@@ (\d+)$/);
    if (status !== '0') throw new Error(`"${line}" ended with ${status}: ${text}${this.#said}`);
    return text;
  }

  /** Everything that is printed before the line that ends it. */
  async until(end: RegExp | string): Promise<{ text: string; status: string | undefined }> {
    const lines: string[] = [];
    const found = new Promise<{ text: string; status: string | undefined }>((resolve) => {
      const onLine = (line: string) => {
        const match = typeof end === 'string' ? (line === end ? [] : null) : end.exec(line);
        if (match === null) return void lines.push(line);
        this.#lines.off('line', onLine);
        resolve({ text: lines.join('\n'), status: match[1] });
      };
      this.#lines.on('line', onLine);
    });
    const ended = this.#ended.then(() => {
      throw new Error(`the node ended: ${this.#said}`);
    });
    return Promise.race([found, ended]);
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
