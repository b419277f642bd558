import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { setPriority } from 'node:os';
import { delimiter, join } from 'node:path';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Gives way to everything else on the machine: for work of a minute, such as a build. */
  readonly background?: boolean;
}

/** Runs a program to its end; resolves to its stdout, rejects with the end of what it said. */
export function run(file: string, args: readonly string[], options: RunOptions = {}) {
  return new Promise<string>((resolve, reject) => {
    const { cwd, env, background = false } = options;
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    });
    if (background && child.pid !== undefined) setPriority(child.pid, 10);
    let stdout = '';
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      said += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const end = said.trimEnd().split('\n').slice(-8).join('\n');
      reject(new Error(`${file} ${args[0] ?? ''} ended with ${code ?? signal}: ${end}`));
    });
  });
}

/** The full path of a program that the PATH of `env` offers. */
export function whichProgram(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const places = (env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');
  return places.map((dir) => join(dir, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
