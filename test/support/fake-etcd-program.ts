/**
 * An etcd program in memory behind the port of the real one. What it answers comes from the
 * database of the data directory that it is started on. Faults are settings.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { EtcdProgram, ScratchEtcd, ScratchPlan } from '../../src/cluster/scratch-port.ts';
import { Failure } from '../../src/core/errors.ts';
import { fileSource } from '../../src/format/file-source.ts';
import { hashKv } from '../../src/format/hash-kv.ts';
import { snapshotLayout } from '../../src/format/snapshot-file.ts';
import { type ScannedSnapshot, SnapshotScan } from '../../src/format/snapshot-scan.ts';

interface Limits {
  readonly signal: AbortSignal;
}

export class FakeEtcdProgram implements EtcdProgram {
  /** Undefined: there is no such program. */
  installed: string | undefined = '3.5.30';
  /** Why it does not start, if it does not. */
  broken: Failure | undefined;
  /** What is wrong about its answers. */
  off: { readonly hash?: number; readonly keys?: number; readonly compact?: null } = {};
  /** Called when it begins to start; it serves when this has ended. */
  onStart: (options: Limits) => Promise<void> = async () => undefined;
  readonly plans: ScratchPlan[] = [];
  running = 0;

  async version(): Promise<string> {
    if (this.installed !== undefined) return this.installed;
    throw new Failure('etcd-start', '/no/etcd cannot be run: there is no such file');
  }

  async serve(plan: ScratchPlan, options: Limits): Promise<ScratchEtcd> {
    this.plans.push(plan);
    this.running += 1;
    try {
      await this.onStart(options);
      if (this.broken !== undefined) throw this.broken;
      return this.#serving(readDatabase(join(plan.dataDir, 'member', 'snap', 'db')));
    } catch (error) {
      this.running -= 1;
      throw error;
    }
  }

  #serving({ keyspace, facts }: ScannedSnapshot): ScratchEtcd {
    const { off } = this;
    const { compactRevision } = facts;
    return {
      hashKv: async (at) => ({
        hash: hashKv(keyspace, { revision: at, compactRevision }) + (off.hash ?? 0),
        compactRevision: off.compact === null ? undefined : (compactRevision ?? undefined),
      }),
      countKeys: async (at) => {
        if (at !== facts.currentRevision) throw new Error(`only the newest keys are counted`);
        return facts.keys + (off.keys ?? 0);
      },
      [Symbol.asyncDispose]: async () => {
        this.running -= 1;
      },
    };
  }
}

function readDatabase(path: string): ScannedSnapshot {
  const sizeBytes = statSync(path).size;
  const scan = new SnapshotScan(fileSource(path));
  scan.advance(sizeBytes);
  return scan.finish(snapshotLayout(sizeBytes));
}
