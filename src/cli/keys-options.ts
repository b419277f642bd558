/** The options that name a backup or a file and the keys in it. */
import { Failure } from '../core/errors.ts';
import type { Call, Option } from './command.ts';
import { restoreOptions } from './restore-options.ts';
import { openingOptions } from './settings.ts';
import { shelfOptions } from './shelves.ts';

export const prefixOptions: Readonly<Record<string, Option>> = {
  prefix: {
    type: 'string',
    value: 'TEXT',
    doc: 'the keys that begin with it: /registry/pods/shop/',
  },
  'prefix-base64': { type: 'string', value: 'B64', doc: 'the same for a prefix that is no text' },
};

export const backupOptions: Readonly<Record<string, Option>> = {
  before: restoreOptions.before as Option,
  ...shelfOptions,
  ...openingOptions,
};

/** The bytes that the wanted keys begin with; null where none were given. Throws `usage`. */
export function prefixOf({ values }: Pick<Call, 'values'>): Uint8Array | null {
  const { prefix, 'prefix-base64': encoded } = values;
  if (typeof prefix === 'string' && typeof encoded === 'string') {
    throw new Failure('usage', '--prefix and --prefix-base64 are two ways to say one thing');
  }
  if (prefix === '' || encoded === '') {
    throw new Failure('usage', 'the prefix is empty, which would mean every key', {
      hint: 'Perhaps a variable of the shell is not set? "extract" takes --all for every key.',
    });
  }
  if (typeof prefix === 'string') return Buffer.from(prefix, 'utf8');
  if (typeof encoded !== 'string') return null;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') === encoded) return bytes;
  throw new Failure('usage', `--prefix-base64 is no base64: ${JSON.stringify(encoded)}`);
}

/** The path of a snapshot file, when the first word is one and not a backup. */
export function fileNamed({ positionals }: Pick<Call, 'positionals'>): string | undefined {
  const [named = ''] = positionals;
  return named.includes('/') || named.endsWith('.db') ? named : undefined;
}
