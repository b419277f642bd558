/** What the sources of a configuration supplied, before anybody asks whether it is right. */
import type { Entry, Listing, Section } from './entry.ts';
import type { Problem } from './problem.ts';
import type { Tree } from './yaml.ts';

/** From weak to strong: what a later one supplies holds. */
export const layers = ['file', 'environment', 'flags'] as const;
export type Layer = (typeof layers)[number];

export interface Supplied {
  readonly layer: Layer;
  /** Full key; `stores[0].path` inside a listing. */
  readonly key: string;
  readonly entry: Entry<unknown>;
  readonly text: string;
  readonly origin: string;
  /** Of a list: its items, each with its own place. */
  readonly items: readonly { readonly text: string; readonly origin: string }[];
}

/** A listing that a layer supplies. It replaces the listing of every weaker layer as a whole. */
export interface SuppliedListing {
  readonly layer: Layer;
  readonly key: string;
  readonly origin: string;
  /** Where each item stands. */
  readonly items: readonly string[];
}

export interface Collected {
  readonly supplied: Supplied[];
  readonly listings: SuppliedListing[];
  readonly problems: Problem[];
  /** False when the file could not be read as a whole: then nothing can be said to be missing. */
  complete: boolean;
}

/** Where in the schema and in which source a tree is read. */
export interface TreeContext {
  readonly node: Entry<unknown> | Section | Listing;
  readonly key: string;
  readonly layer: Layer;
  readonly origin: (at: Tree['at']) => string;
}
