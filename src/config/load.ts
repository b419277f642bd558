/**
 * From file, environment and flags to a frozen Config, or to one Failure that tells every problem
 * at once. Reads the file and, when asked, looks at the files and folders that it names; never the
 * network. Defaults give way to the file, the file to the environment, that to flags.
 */
import { readFileSync } from 'node:fs';

import { type CronFault, checkTexts, findMissing, holdingListing } from './check.ts';
import { composeConfig } from './compose.ts';
import type { Config } from './config.ts';
import { findContradictions, findRisks } from './contradictions.ts';
import { checkFiles, type FileFindings } from './files.ts';
import { systemReason } from './findings.ts';
import type { ConfigFlag } from './flags.ts';
import { configFailure, type Problem, shownValue } from './problem.ts';
import { type Setting, settleAll } from './settle.ts';
import { collectSupplied, type SourceFile } from './supplied.ts';

export interface LoadOptions {
  /** Absent: only environment and flags. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: readonly ConfigFlag[];
  readonly cronFault: CronFault;
  /**
   * Whether to look at the files and folders that the configuration names. `but-stores`: those of
   * stores only warn, and a disk that hangs would hold whoever looks at it.
   */
  readonly checkFiles?: boolean | 'but-stores';
  /** With checkFiles: certificates that are not valid on this day become warnings. */
  readonly today?: Date | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Every key with its value as text and the place that it came from. */
  readonly settings: readonly Setting[];
  /** A line each, for the log at the start. */
  readonly warnings: readonly string[];
}

export function loadConfig(options: LoadOptions): LoadedConfig {
  const source = readSource(options.file);
  const collected = collectSupplied({ ...options, file: source.file });
  const { fit, problems: unfit } = checkTexts(collected.supplied, options.cronFault);
  const problems = [...source.problems, ...collected.problems, ...unfit];
  const isWrong = (key: string) => problems.some((problem) => touches(problem, key));
  const { settings, listed, assertValid } = settleAll(fit, (key) => holdingListing(collected, key));
  // Of a file that cannot be read as a whole nobody knows what it holds: nothing is missing then.
  const readable = collected.complete && source.problems.length === 0;
  let files: FileFindings = { problems: [], warnings: [] };
  if (readable) {
    problems.push(...findMissing(collected, isWrong));
    const compared = findContradictions(settings, isWrong);
    problems.push(...compared.map((found) => located(found, listed)));
    if (options.checkFiles) {
      const withStores = options.checkFiles === true;
      files = checkFiles(settings, { isWrong, today: options.today, withStores });
      problems.push(...files.problems.map((found) => located(found, listed)));
    }
  }
  if (problems.length > 0) throw configFailure(problems);
  assertValid();
  const warnings = [...findRisks(settings), ...files.warnings];
  return { config: composeConfig(settings), settings: listed, warnings };
}

function readSource(path: string | undefined): {
  file: SourceFile | undefined;
  problems: readonly Problem[];
} {
  if (path === undefined) return { file: undefined, problems: [] };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    return { file: { path, text }, problems: [] };
  } catch (thrown) {
    const reason = thrown instanceof TypeError ? 'is not UTF-8 text' : systemReason(thrown);
    const told = { key: null, value: null, origin: path, reason, example: null };
    return { file: undefined, problems: [told] };
  }
}

/** Whether the problem is about the key, a section or list around it, or an item of it. */
function touches({ key: wrong }: Problem, key: string): boolean {
  if (wrong === null) return false;
  const isAround = key.startsWith(`${wrong}.`) || key.startsWith(`${wrong}[`);
  return wrong === key || isAround || wrong.startsWith(`${key}[`);
}

/** A finding about a key, with the value and the place that the key has. */
function located(
  found: { readonly key: string; readonly reason: string; readonly example?: string | null },
  listed: readonly Setting[],
): Problem {
  const { key, reason, example = null } = found;
  const { value, origin } = listed.find((one) => one.key === key) ?? { value: null, origin: null };
  return {
    key,
    value: value === null ? null : shownValue(value),
    origin,
    reason,
    example,
  };
}
