/** What a new configuration changes for a daemon that runs under an old one. Pure. */
import { isDeepStrictEqual } from 'node:util';

import type { Config, StoreConfig } from './config.ts';
import type { LoadedConfig } from './load.ts';
import { configFailure, shownValue } from './problem.ts';

/**
 * What holds the admin API's place: whoever waits there would be cut off. The files of `http.tls`
 * are read again when they change, not their names.
 */
const fixedKeys = [
  'http.enabled',
  'http.listen',
  'http.tls.cert',
  'http.tls.key',
  'http.tls.clientCa',
] as const;

/** Throws `config-invalid` for settings that take a restart. */
export function requireReloadable(old: LoadedConfig, next: LoadedConfig): void {
  const changed = changedKeys(old, next);
  const problems = fixedKeys
    .filter((key) => changed.includes(key))
    .map((key) => {
      const setting = next.settings.find((one) => one.key === key);
      const before = old.settings.find((one) => one.key === key)?.value;
      const value = setting?.value ?? null;
      return {
        key,
        value: value === null ? null : shownValue(value),
        origin: setting?.origin ?? null,
        reason: `was ${before} at the start: restart the daemon to change it`,
        example: null,
      };
    });
  if (problems.length > 0) throw configFailure(problems);
}

export function isSameConfig(old: LoadedConfig, next: LoadedConfig): boolean {
  return isDeepStrictEqual(old.config, next.config);
}

/** Full keys, those of stores by their place in the list. */
export function changedKeys(
  old: Pick<LoadedConfig, 'settings'>,
  next: Pick<LoadedConfig, 'settings'>,
): readonly string[] {
  const before = new Map(old.settings.map(({ key, value }) => [key, value]));
  const after = new Map(next.settings.map(({ key, value }) => [key, value]));
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => (before.get(key) ?? null) !== (after.get(key) ?? null));
}

/** Names of stores that are new, or lie elsewhere than the store of that name did. */
export function movedStores(old: Config, next: Config): readonly string[] {
  return next.stores
    .filter((store) => {
      const before = old.stores.find(({ name }) => name === store.name);
      return before === undefined || !isDeepStrictEqual(placeOf(before), placeOf(store));
    })
    .map(({ name }) => name);
}

function placeOf(store: StoreConfig): readonly (string | null)[] {
  if (store.type !== 's3') return [store.type, store.path];
  return [store.type, store.endpoint, store.region, store.bucket, store.prefix];
}
