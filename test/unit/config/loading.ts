/** Loads configurations from texts, in a folder of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { splitConfigFlags } from '../../../src/config/flags.ts';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { Failure } from '../../../src/core/errors.ts';

/** The least that loads. */
export const leastYaml = `
cluster:
  name: prod
  endpoints: [https://10.0.0.1:2379]
stores:
  - { name: local, type: file, path: /var/backups/etcd }
`;

export interface Given {
  readonly yaml?: string | null;
  readonly env?: Record<string, string>;
  readonly flags?: readonly string[];
  readonly checkFiles?: boolean | 'but-stores';
  readonly today?: Date;
}

/** The file is always called `conf.yaml` in messages. Null: no file at all. */
export function load({ yaml = leastYaml, env = {}, flags = [], ...rest }: Given): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  const file = join(folder, 'conf.yaml');
  try {
    if (yaml !== null) writeFileSync(file, yaml);
    return loadConfig({
      file: yaml === null ? undefined : file,
      env,
      flags: splitConfigFlags(flags).flags,
      cronFault: (text) => (validate(text) ? null : 'is not what node-cron takes'),
      ...rest,
    });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw new Failure(thrown.code, thrown.message.replaceAll(file, 'conf.yaml'), thrown);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The problems of a configuration, each as the lines that tell it. */
export function problemsOf(given: Given): readonly string[] {
  try {
    load(given);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'config-invalid') throw thrown;
    return thrown.message
      .split('\n\n')
      .slice(1)
      .map((text) => text.replaceAll(/^ {2}/gm, ''));
  }
}
