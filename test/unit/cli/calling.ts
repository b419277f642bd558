/** The command line called in this process: what it was told, what it said, how it ended. */
import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { SignalSource } from '../../../src/cli/command.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { type FailureCode, failureTable } from '../../../src/core/errors.ts';

export interface Told {
  /** The name behind the exit status. */
  readonly code: FailureCode | 'success';
  readonly out: string;
  readonly err: string;
}

export interface CallOptions {
  readonly env?: Record<string, string>;
  /** Whether a person watches stderr. */
  readonly watched?: boolean;
  /** Emits SIGINT and SIGTERM as the process would. */
  readonly signals?: EventEmitter;
  /** Says when more of stdout can be taken, and whether somebody still reads it. */
  readonly ready?: () => Promise<boolean>;
  /** Sees each text as it is written. */
  readonly onText?: (text: string) => void;
}

// A configuration of the machine that the tests run on must never be used by them.
const noFile = { ETCD_BACKUPD_CONFIG: '/dev/null' };

export async function call(words: readonly string[], options: CallOptions = {}): Promise<Told> {
  const { env = {}, watched = false, signals = new EventEmitter(), onText } = options;
  const { ready = async () => true } = options;
  let [out, err] = ['', ''];
  const status = await runProgram({
    argv: words,
    env: { ...noFile, ...env },
    terminal: {
      out: (text) => {
        out += text;
        onText?.(text);
      },
      err: (text) => {
        err += text;
        onText?.(text);
      },
      ready,
      watched,
    },
    signals: signals as unknown as SignalSource,
    exit: (code) => {
      throw new Error(`the process was ended with ${code}`);
    },
  });
  return { code: nameOf(status), out, err };
}

/** No two codes share an exit status, so that the status has one name. */
export function nameOf(status: number | null): Told['code'] {
  if (status === 0) return 'success';
  const found = Object.entries(failureTable).find(([, { exit }]) => exit === status);
  if (found === undefined) throw new Error(`no failure has the exit status ${status}`);
  return found[0] as FailureCode;
}

/** What the program says of a failure, without the hint on the line below. */
export function complaintOf({ err }: Told): string {
  const [, complaint] = /^etcd-backupd: (.*)\n {2}\S.*\n$/.exec(err) ?? [];
  if (complaint === undefined) throw new Error(`not one line and a hint: ${JSON.stringify(err)}`);
  return complaint;
}

export interface Place {
  readonly dir: string;
  readonly storeDir: string;
  /** Words of a configuration with one file store and a cluster where nobody answers. */
  readonly words: readonly string[];
}

/** Port 9 is the one of a service that only discards, and is not there on any host of today. */
export const nobody = 'http://127.0.0.1:9';

export function place(settings: Record<string, string> = {}): Place {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-cli-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [storeDir, spoolDir] = [join(dir, 'store'), join(dir, 'spool')];
  for (const made of [storeDir, spoolDir]) mkdirSync(made, { mode: 0o700 });
  const all: Record<string, string> = {
    'cluster.name': 'test',
    'cluster.endpoints': nobody,
    'cluster.requestTimeout': '5s',
    'spool.dir': spoolDir,
    'http.enabled': 'false',
    stores: JSON.stringify([{ name: 'local', type: 'file', path: storeDir }]),
    ...settings,
  };
  const words = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
  return { dir, storeDir, words };
}

/** With UPDATE_GOLDEN=1 in the environment the committed text is written instead of compared. */
export function expectGolden(name: string, made: string): void {
  const path = join(import.meta.dirname, '..', '..', 'golden', 'cli', name);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, made);
  }
  expect(made).toBe(readFileSync(path, 'utf8'));
}
