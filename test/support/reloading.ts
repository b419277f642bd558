/** A daemon that has its configuration from a file, which the test changes while it runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../src/cluster/loopback.ts';
import { RunningDaemon } from './daemon.ts';
import { startProgram, type Workplace } from './house.ts';

const token = 'the-token-of-whoever-operates';
export const operating = { authorization: `Bearer ${token}` };

export interface FileOfDaemon {
  readonly path: string;
  /** Keys with values as texts, as on a command line. */
  readonly settings: Record<string, string>;
  /** The file for the settings with these changes, which stay. */
  text(changes?: Record<string, string>): string;
  /** Writes that. */
  change(changes: Record<string, string>): void;
}

const never = { 'schedule.cron': '0 0 1 1 *', 'schedule.catchUp': 'false' };

/** A daemon that takes a backup only when it is asked to, unless the settings say otherwise. */
export async function fileFor(
  place: Workplace,
  settings: Record<string, string> = {},
): Promise<FileOfDaemon> {
  const [port] = await freePorts(1);
  const tokenFile = join(place.dir, 'operate-token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  Object.assign(place.settings, never, {
    'http.enabled': 'true',
    'http.listen': `127.0.0.1:${port}`,
    'http.tokens.operate': tokenFile,
    ...settings,
  });
  const path = join(place.dir, 'config.yaml');
  const text = (changes: Record<string, string> = {}): string => {
    Object.assign(place.settings, changes);
    return yaml(place.settings);
  };
  const file = {
    path,
    settings: place.settings,
    text,
    change: (changes: Record<string, string>) => writeFileSync(path, text(changes)),
  };
  file.change({});
  return file;
}

/** Starts it without a wait: nothing of it may have been loaded yet. */
export function spawnFrom(file: FileOfDaemon): RunningDaemon {
  const child = startProgram(['run', '--config', file.path]);
  return new RunningDaemon(child, `http://${file.settings['http.listen']}`);
}

export async function startFrom(file: FileOfDaemon): Promise<RunningDaemon> {
  const daemon = spawnFrom(file);
  await daemon.until('next-run-scheduled');
  return daemon;
}

export async function reload(
  daemon: RunningDaemon,
): Promise<{ readonly status: number; readonly answer: Record<string, unknown> }> {
  const asked = await daemon.get('/v1/reload', { method: 'POST', headers: operating });
  return { status: asked.status, answer: (await asked.json()) as Record<string, unknown> };
}

/** Each section on lines of its own, in the order of the settings. */
function yaml(settings: Readonly<Record<string, string>>): string {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(settings)) {
    const path = key.split('.');
    const leaf = path.pop() ?? key;
    let parent = root;
    for (const name of path) {
      parent[name] ??= {};
      parent = parent[name] as Record<string, unknown>;
    }
    parent[leaf] = key === 'stores' ? JSON.parse(value) : value;
  }
  return `${linesOf(root, '').join('\n')}\n`;
}

function linesOf(section: Record<string, unknown>, indent: string): string[] {
  return Object.entries(section).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [`${indent}${name}:`, ...linesOf(value as Record<string, unknown>, `${indent}  `)]
      : [`${indent}${name}: ${JSON.stringify(value)}`],
  );
}
