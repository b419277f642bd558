/** What a command is, and what it is given. */
import type { ConfigFlag } from '../config/flags.ts';
import type { FailureCode } from '../core/errors.ts';

/** Where a command speaks: stdout is data, stderr is talk. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Waits until more of `out` can be taken; false when nobody reads it any more. */
  ready(): Promise<boolean>;
  /** Whether a person watches stderr: progress bars only then. */
  readonly watched: boolean;
}

/** Where signals of the operating system come from: the process. */
export type SignalSource = Pick<NodeJS.Process, 'on' | 'off'>;

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  readonly signals: SignalSource;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

export interface Call extends Surroundings {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
  readonly flags: readonly ConfigFlag[];
  /** All that there are, in the order of help. */
  readonly commands: () => Promise<readonly Command[]>;
  /** Aborted by the first SIGINT or SIGTERM, except under `run`, which drains first. */
  readonly signal: AbortSignal;
}

export interface Option {
  readonly type: 'string' | 'boolean';
  /** Whether it may come several times; its value is then a list. */
  readonly multiple?: boolean;
  /** How help names the value, with its unit: `TIME`, `REASON`. */
  readonly value?: string;
  readonly doc: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Behind the program and command name: `BACKUP [options]`. */
  readonly usage: string;
  readonly positionals: { readonly min: number; readonly max: number };
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly string[];
  /** Failures that its exit status commonly tells, beside `usage` and `config-invalid`. */
  readonly codes: readonly FailureCode[];
  /** Resolves with the exit status. */
  readonly run: (call: Call) => Promise<number>;
}
