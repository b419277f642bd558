/**
 * What the schema is written in: a setting is an `Entry`, settings live in a `Section`, and a
 * `Listing` repeats a section. Names of environment variables and flags follow from the key.
 */
import type { Format } from './formats.ts';

export interface Entry<T> {
  readonly kind: 'entry';
  readonly format: Format<unknown>;
  readonly doc: string;
  /** As an operator would write it. Null: not set, and `required` says whether that may be. */
  readonly default: string | null;
  readonly required: boolean;
  readonly example: string;
  /** Written into the example file; entries without it appear there as a comment. */
  readonly shown: string | null;
  /** The value names a secret's file. A value that is no path may be the secret itself. */
  readonly secret: boolean;
  /** Only for the compiler: carries the type of the value to `SettingsOf`. */
  readonly value?: T;
}

export interface Section<K extends Keys = Keys> {
  readonly kind: 'section';
  readonly about: string;
  readonly keys: K;
}

export interface Listing<K extends Keys = Keys> {
  readonly kind: 'listing';
  readonly about: string;
  /** How many items there have to be. */
  readonly least: 0 | 1;
  readonly each: Section<K>;
}

export type SchemaNode = Entry<unknown> | Section | Listing;
export interface Keys {
  readonly [key: string]: SchemaNode;
}

/** The plain object that a section's settings make. */
export type SettingsOf<S> =
  S extends Section<infer K>
    ? { readonly [P in keyof K]: SettingsOf<K[P]> }
    : S extends Listing<infer K>
      ? readonly SettingsOf<Section<K>>[]
      : S extends Entry<infer T>
        ? T
        : never;

interface Extras {
  readonly example?: string;
  readonly shown?: string;
  readonly secret?: boolean;
}

/** A setting with a default. */
export function setting<T>(
  format: Format<T>,
  value: string,
  doc: string,
  extras: Extras = {},
): Entry<T> {
  return { ...complete(format, doc, extras, value), default: value, required: false };
}

/** A setting that may be left out; its value is then null. */
export function optional<T>(format: Format<T>, doc: string, extras: Extras = {}): Entry<T | null> {
  return { ...complete(format, doc, extras), default: null, required: false };
}

/** A setting that somebody has to give. */
export function required<T>(format: Format<T>, doc: string, extras: Extras = {}): Entry<T> {
  return { ...complete(format, doc, extras), default: null, required: true };
}

export function section<K extends Keys>(about: string, keys: K): Section<K> {
  return { kind: 'section', about, keys };
}

export function listing<K extends Keys>(
  about: string,
  each: Section<K>,
  { least = 1 }: Partial<Pick<Listing, 'least'>> = {},
): Listing<K> {
  return { kind: 'listing', about, least, each };
}

/** An entry or a listing with its full key, in the order of the schema. */
export interface Leaf {
  readonly key: string;
  readonly node: Entry<unknown> | Listing;
}

/** Every entry and listing under a section; the entries inside a listing are not among them. */
export function leavesOf(parent: Section, prefix = ''): readonly Leaf[] {
  return Object.entries(parent.keys).flatMap(([name, node]) => {
    const key = `${prefix}${name}`;
    return node.kind === 'section' ? leavesOf(node, `${key}.`) : [{ key, node }];
  });
}

export const environmentPrefix = 'ETCD_BACKUPD_';

/** `cluster.tls.serverName` is `ETCD_BACKUPD_CLUSTER_TLS_SERVER_NAME`. */
export function environmentName(key: string): string {
  const words = key.replaceAll('.', '_').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
  return `${environmentPrefix}${words.toUpperCase()}`;
}

function complete(format: Format<unknown>, doc: string, extras: Extras, value?: string) {
  return {
    kind: 'entry',
    format,
    doc,
    example: extras.example ?? extras.shown ?? value ?? format.example,
    shown: extras.shown ?? null,
    secret: extras.secret ?? false,
  } as const;
}
