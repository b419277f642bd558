/** A log line for a terminal: time, level, sentence, and for failures what to do about them. */
import { timeText } from './moment.ts';

interface Line {
  readonly time?: unknown;
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly failure?: { readonly hint?: unknown; readonly stack?: unknown };
}

/** The JSON line of the log as one line for people. */
export function prettyLine(json: string): string {
  const line = JSON.parse(json) as Line;
  const level = String(line.level).padEnd(5);
  const hint = line.failure?.hint === undefined ? '' : ` - ${line.failure.hint}`;
  const stack = line.failure?.stack === undefined ? '' : ` | ${line.failure.stack}`;
  const sentence = `${line.msg}${hint}${stack}`;
  return `${timeText(new Date(String(line.time)))} ${level} ${visible(sentence)}\n`;
}

/**
 * Line ends and terminal codes as visible text: messages quote other programs, and one of those
 * could otherwise forge a line or drive the terminal.
 */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === '\n') return ' | ';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
