/** The golden manifest of version 1, and ways to spoil it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../src/core/errors.ts';
import { decodeManifest, encodeManifest } from '../../../src/core/manifest-json.ts';
import { sampleManifest } from './sample-manifest.ts';

const goldenPath = join(import.meta.dirname, '../../golden/manifest-v1.json');

// Written once: a manifest of a released version never changes again.
if (process.env.UPDATE_GOLDEN === '1' && !existsSync(goldenPath)) {
  writeFileSync(goldenPath, encodeManifest(sampleManifest()));
}
export const golden = readFileSync(goldenPath, 'utf8');

export type Json = { [key: string]: Json } & { readonly __brand?: never };

/** The golden manifest as JSON, edited. */
export function edited(edit: (json: Json) => void): string {
  const json = JSON.parse(golden) as Json;
  edit(json);
  return JSON.stringify(json);
}

export function failureOf(text: string): Failure {
  try {
    decodeManifest(text, 'manifest x');
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error('it was decoded');
}

/** Every place in the golden manifest that holds no object or list, as a path. */
export function leaves(json: unknown, path: readonly string[] = []): string[][] {
  if (typeof json !== 'object' || json === null) return [[...path]];
  return Object.entries(json).flatMap(([key, value]) => leaves(value, [...path, key]));
}

/** Every object that the format gives names to: not those whose keys are data. */
export function shapes(json: unknown, path: readonly string[] = []): string[][] {
  if (typeof json !== 'object' || json === null) return [];
  if (['evidence', 'steps', 'labels'].includes(path.at(-1) ?? '')) return [];
  const below = Object.entries(json).flatMap(([key, value]) => shapes(value, [...path, key]));
  return Array.isArray(json) ? below : [[...path], ...below];
}

export function placeOf(json: Json, path: readonly string[]): Json {
  return path.reduce((place, key) => place[key] as Json, json);
}
