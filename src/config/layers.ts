/**
 * The door to convict. It holds the schema with its defaults, lays file, environment and flags
 * over them in that order, and turns every text into its value by the format of its key.
 */
import convict from 'convict';

import { Failure } from '../core/errors.ts';
import type { Layer } from './collected.ts';
import { type Entry, environmentName, leavesOf, type Section, type SettingsOf } from './entry.ts';

/** Texts that passed their formats, by key in the section. */
export type LayerTexts = Readonly<Record<Layer, Readonly<Record<string, string>>>>;

export interface Settled<S> {
  /** Complete but for required keys that nobody gave: those are null, against their type. */
  readonly settings: S;
  /** Throws where a value does not fit its format: the second look, when all problems are told. */
  readonly assertValid: () => void;
}

export function settle<S extends Section>(
  section: S,
  { file, environment, flags }: LayerTexts,
): Settled<SettingsOf<S>> {
  convict.addFormats(formatsOf(section));
  const env: Record<string, string> = {};
  for (const [key, text] of Object.entries(environment)) env[environmentName(key)] = text;
  // Without `env` and `args` convict would read the process itself. Flags are laid over with
  // `set`: its own argument parser would turn the text 007 into the number 7.
  const layered = convict(convictSchema(section), { env, args: [] });
  layered.load(nested(file));
  for (const [key, text] of Object.entries(flags)) layered.set(key, text);
  return {
    settings: layered.getProperties() as SettingsOf<S>,
    assertValid: () => {
      try {
        layered.validate({ allowed: 'strict' });
      } catch (thrown) {
        throw new Failure('internal', 'a checked configuration does not fit its schema', {
          cause: thrown,
        });
      }
    },
  };
}

type ConvictSchema = convict.Schema<Record<string, unknown>>;

function convictSchema(section: Section, prefix = ''): ConvictSchema {
  const pairs = Object.entries(section.keys).flatMap(([name, node]) => {
    const key = `${prefix}${name}`;
    // A listing is settled item by item, each as a section of its own.
    if (node.kind === 'listing') return [];
    if (node.kind === 'section') return [[name, convictSchema(node, `${key}.`)] as const];
    return [[name, convictEntry(node, key)] as const];
  });
  return Object.fromEntries(pairs) as ConvictSchema;
}

function convictEntry(entry: Entry<unknown>, key: string): convict.SchemaObj {
  return {
    doc: entry.doc,
    format: entry.format.name as convict.PredefinedFormat,
    default: entry.default,
    nullable: !entry.required,
    env: environmentName(key),
    sensitive: entry.secret,
  };
}

/**
 * convict keeps formats for the whole process, by name. That is harmless because a format's name
 * states its rules: laying the same name again changes nothing.
 */
function formatsOf(section: Section): Record<string, convict.Format> {
  const formats: Record<string, convict.Format> = {};
  for (const { node } of leavesOf(section)) {
    if (node.kind === 'listing') continue;
    const { name, parse } = node.format;
    formats[name] = {
      // A value that is still a text did not become what the format makes, or is a text by right.
      validate: (value) => {
        if (value === null) throw new Error('has no value');
        if (typeof value === 'string') parse(value);
      },
      coerce: (text) => {
        try {
          return parse(text);
        } catch {
          // convict asks here for a value and later for a verdict: the text is kept for `validate`.
          return text;
        }
      },
    };
  }
  return formats;
}

interface Nested {
  [key: string]: string | Nested;
}

function nested(texts: Readonly<Record<string, string>>): Nested {
  const root: Nested = {};
  for (const [key, text] of Object.entries(texts)) {
    const path = key.split('.');
    const leaf = path.pop() ?? key;
    let parent = root;
    for (const name of path) {
      const child = parent[name];
      const next: Nested = typeof child === 'object' ? child : {};
      parent[name] = next;
      parent = next;
    }
    parent[leaf] = text;
  }
  return root;
}
