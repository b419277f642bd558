/**
 * The body of a restore, read strictly: a key that nobody knows and a value that is nearly right
 * are refused, because what would be guessed from them becomes a data directory. Who owns it and
 * which programs run around it is for the configuration alone.
 */
import { resolve } from 'node:path';
import type { BackupId } from '../core/backup.ts';
import { toFailure } from '../core/errors.ts';
import { formatInitialCluster, parseInitialCluster } from '../core/initial-cluster.ts';
import { parseBackupId } from '../core/names.ts';
import type { InitialMember } from '../core/restore.ts';
import { parseBump, parseEtcdVersion, parseTime } from '../core/restore-words.ts';
import type { Wanted } from '../engine/candidates.ts';
import type { RestoreAsked } from '../engine/plan-restore.ts';
import { type Problem, requestProblem } from './problem.ts';
import { backupId, object, type Schema, text } from './schema.ts';

export interface RestoreBody {
  readonly wanted: Wanted;
  readonly asked: RestoreAsked;
}

/** Throws for a value that it does not take; the message says what it takes. */
type Read<T> = (value: unknown) => T;

const example = '{"backup":"latest","dataDir":"/var/lib/etcd","name":"m1","dryRun":true}';
const longestPath = 4000;
const longestWord = 255;
const truthField: Schema = { type: 'boolean', default: false };

const path: Schema = { type: 'string', pattern: '^/', maxLength: longestPath };
const wordSchema: Schema = { type: 'string', pattern: '^[^\\s,=]+$', maxLength: longestWord };
const peers = { type: 'array', minItems: 1, items: wordSchema };

/** What the document says of it; what the readers below take is all within it. */
export const restoreBody: Schema = {
  type: 'object',
  required: ['dataDir'],
  additionalProperties: false,
  properties: {
    backup: { default: 'latest', anyOf: [{ const: 'latest' }, backupId] },
    before: { ...text, description: 'the newest backup from before this time; with "latest" only' },
    store: wordSchema,
    dataDir: path,
    name: wordSchema,
    initialCluster: {
      description: 'as NAME=PEERURL,... or as a list',
      anyOf: [
        text,
        { type: 'array', minItems: 1, items: object({ name: wordSchema, peerUrls: peers }) },
      ],
    },
    initialClusterToken: wordSchema,
    bumpRevision: {
      anyOf: [
        { type: 'integer', minimum: 1 },
        { ...text, pattern: '^[0-9]+$' },
      ],
    },
    clearAlarms: truthField,
    etcdVersion: { ...text, maxLength: longestWord, description: 'such as 3.5.30' },
    force: truthField,
    fallback: truthField,
    dryRun: truthField,
  },
};

/** All that is wrong with the body is told at once, each with its key. */
export function readRestoreBody(body: unknown): RestoreBody | { readonly problem: Problem } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused(['the body is no JSON object']);
  }
  const given = new Map<string, unknown>(Object.entries(body));
  const faults: string[] = [];
  const take = <T, U>(key: string, read: Read<T>, otherwise: U): T | U => {
    if (!given.has(key)) return otherwise;
    const value = given.get(key);
    given.delete(key);
    try {
      return read(value);
    } catch (error) {
      faults.push(`${key}: ${toFailure(error).message}`);
      return otherwise;
    }
  };
  if (!given.has('dataDir')) faults.push('dataDir: it is missing');
  const wanted: Wanted = {
    backup: take('backup', backup, 'latest'),
    before: take('before', time, null),
    store: take('store', word, null),
    cluster: null,
  };
  const asked: RestoreAsked = {
    dataDir: take('dataDir', plainPath, ''),
    name: take('name', word, null),
    initialCluster: take('initialCluster', members, null),
    initialClusterToken: take('initialClusterToken', word, null),
    bumpRevision: take('bumpRevision', bump, null),
    clearAlarms: take('clearAlarms', truth, false),
    owner: null,
    etcdVersion: take('etcdVersion', etcdVersion, null),
    force: take('force', truth, false),
    fallback: take('fallback', truth, false),
    dryRun: take('dryRun', truth, false),
  };
  for (const key of given.keys()) faults.push(`${shown(key)}: no call takes this key`);
  if (wanted.before !== null && wanted.backup !== 'latest') {
    faults.push('before: it chooses among all backups and goes with the backup "latest"');
  }
  return faults.length > 0 ? refused(faults) : { wanted, asked };
}

function refused(faults: readonly string[]): { readonly problem: Problem } {
  const told = faults.slice(0, 20).join('; ');
  return { problem: requestProblem('bad-request', told, `Example: ${example}`) };
}

function backup(value: unknown): BackupId | 'latest' {
  if (value === 'latest') return value;
  const text = typeof value === 'string' ? value : '';
  try {
    return parseBackupId(text);
  } catch {
    throw new Error('not "latest" and not the id of a backup');
  }
}

function time(value: unknown): Date {
  return need(readText(value, parseTime), 'not a time such as "2026-11-20T15:00:00Z"');
}

function word(value: unknown): string {
  const read = (text: string): string | undefined =>
    text.length <= longestWord && /^[^\s\p{Cc},=]+$/u.test(text) ? text : undefined;
  return need(readText(value, read), 'not a text without spaces, commas and equals signs');
}

/** As it is: what a path with `..` means depends on the links in it. */
function plainPath(value: unknown): string {
  const read = (text: string): string | undefined =>
    text.length <= longestPath && !/\p{Cc}/u.test(text) && resolve(text) === text
      ? text
      : undefined;
  const form = 'not an absolute path in its shortest form, such as "/var/lib/etcd"';
  return need(readText(value, read), form);
}

function members(value: unknown): readonly InitialMember[] {
  if (typeof value === 'string') return parseInitialCluster(value);
  const form = 'not NAME=PEERURL,... and not a list of {"name":"m1","peerUrls":["https://..."]}';
  const listed = Array.isArray(value) && value.length > 0 ? value.map(member) : [undefined];
  const whole = listed.filter((one) => one !== undefined);
  if (whole.length < listed.length) throw new Error(form);
  const parsed = parseInitialCluster(formatInitialCluster(whole));
  if (parsed.length < whole.length) throw new Error('two members have one name');
  return parsed;
}

function member(value: unknown): InitialMember | undefined {
  const { name, peerUrls, ...rest } = Object(value) as Record<string, unknown>;
  if (Object.keys(rest).length > 0 || !Array.isArray(peerUrls) || peerUrls.length === 0) {
    return undefined;
  }
  return { name: word(name), peerUrls: peerUrls.map(word) };
}

/** As a number only where JSON keeps it exactly. */
function bump(value: unknown): bigint {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  return need(readText(text, parseBump), 'not a whole number of 1 or more');
}

function etcdVersion(value: unknown): string {
  const read = (text: string): string | undefined =>
    text.length <= longestWord ? parseEtcdVersion(text) : undefined;
  return need(readText(value, read), 'not a version such as "3.5.30"');
}

function truth(value: unknown): boolean {
  return need(typeof value === 'boolean' ? value : undefined, 'not true or false');
}

function readText<T>(value: unknown, read: (text: string) => T | undefined): T | undefined {
  return typeof value === 'string' ? read(value) : undefined;
}

function need<T>(value: T | undefined, form: string): T {
  if (value === undefined) throw new Error(form);
  return value;
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 50));
}
