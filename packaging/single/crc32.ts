/**
 * The native CRC-32C of the program that is one file. The system loads code from files only, so it
 * is written to a private folder, loaded, and removed at once.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRawAsset } from 'node:sea';

interface Addon {
  crc32c(bytes: Uint8Array, before?: number): number;
}

export const { crc32c } = loadAddon();

function loadAddon(): Addon {
  const loaded: { exports: Addon } = { exports: { crc32c: unloaded } };
  const faults: string[] = [];
  // Where one is mounted noexec, the other may do.
  for (const place of new Set([tmpdir(), '/run/etcd-backupd', '/var/tmp', '/dev/shm'])) {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(join(place, 'etcd-backupd-'));
      const file = join(folder, 'crc32.node');
      writeFileSync(file, new Uint8Array(getRawAsset('crc32.node') as ArrayBuffer));
      process.dlopen(loaded, file);
      return loaded.exports;
    } catch (error) {
      faults.push((error as Error).message);
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(`no folder for temporary files can be used: ${faults.join('; ')}`);
}

function unloaded(): never {
  throw new Error('the native CRC-32C was not loaded');
}
