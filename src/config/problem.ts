/**
 * A problem of the configuration and its text. All problems are told at once, each with what a
 * person needs who has never seen the file: key, value, place, reason, a right value. Values
 * of secrets never get in here: `maskedText` is on the way of every value.
 */
import { Failure } from '../core/errors.ts';
import { secretMark } from '../core/secret.ts';
import type { Entry } from './entry.ts';

export interface Problem {
  /** Full key as in the file; null where the problem is not one key's. */
  readonly key: string | null;
  /** From `shownValue`; null where there is none or it must not be seen. */
  readonly value: string | null;
  /** `/etc/x.yaml:7:3`, `environment variable X`, `flag --x`; null where nobody gave it. */
  readonly origin: string | null;
  /** A sentence about the value, without its subject. */
  readonly reason: string;
  readonly example: string | null;
}

const longestShown = 120;

/** A value without what may be a secret in it. */
export function maskedText({ secret }: Pick<Entry<unknown>, 'secret'>, text: string): string {
  // Where a path is asked for and no path was given, the secret itself may have been pasted.
  if (secret && !/^([\w-]+=)?\//.test(text)) return secretMark;
  // Public keys and secret ones are written by the same tool, and look alike.
  return (
    text
      .replaceAll(/(\/\/)[^/,]*@/g, `$1${secretMark}@`)
      .replaceAll(/AGE-SECRET-KEY-\w*/gi, secretMark)
      .replaceAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*/g, secretMark)
      // The line within, for Ed25519.
      .replaceAll(/MC4CAQAwBQYDK2Vw[\w+/=]*/g, secretMark)
  );
}

/** A value as a line of a problem shows it. `masked` comes from `maskedText`. */
export function shownValue(masked: string): string {
  const cut = masked.length > longestShown ? `${masked.slice(0, longestShown)}...` : masked;
  return JSON.stringify(cut);
}

/** The one Failure for all problems. */
export function configFailure(problems: readonly Problem[]): Failure {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const text = [`${count} in the configuration`, ...problems.map(problemText)].join('\n\n');
  return new Failure('config-invalid', text, { context: { problems: problems.length } });
}

function problemText({ key, value, origin, reason, example }: Problem): string {
  const subject = key ?? 'file';
  const lines = [value === null ? `  ${subject}` : `  ${subject} = ${value}`, `    ${reason}`];
  if (origin !== null) lines.push(`    from: ${origin}`);
  if (example !== null) lines.push(`    example: ${example}`);
  return lines.join('\n');
}
