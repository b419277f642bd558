/** Events as log lines: one event, one line. The only file that knows pino. */
import { type DestinationStream, pino } from 'pino';
import type { Event, Observe } from '../core/events.ts';
import { eventFields } from './fields.ts';
import { type LogLevel, levelOf } from './levels.ts';
import { prettyLine } from './pretty.ts';
import { sentenceOf } from './sentences.ts';

export interface LogOptions {
  /** `fatal`: no event is, so only the audit is written. */
  readonly level: LogLevel | 'fatal';
  /** Lines for people instead of JSON. */
  readonly pretty: boolean;
  /** Standard output unless given. */
  readonly destination?: { write(line: string): unknown };
  readonly now?: () => Date;
}

// What a broken standard output may hold back before lines are dropped: the daemon's memory must
// not grow because nobody can read its log.
const heldBackBytes = 1024 * 1024;

export function logObserver(options: LogOptions): Observe {
  const now = options.now ?? (() => new Date());
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destinationOf(options),
  );
  // The audit has its own level: who called what is written whatever log.level says.
  const audit = logger.child({ audit: true }, { level: 'info' });

  return (event: Event) => {
    const level = levelOf(event);
    const target = event.kind === 'call-made' ? audit : logger;
    if (!target.isLevelEnabled(level)) return;
    const fields = eventFields(event, { stacks: logger.isLevelEnabled('debug') });
    const sentence = sentenceOf(event, now());
    target[level]({ event: event.kind, ...fields }, sentence);
  };
}

/** Synchronous: the lines before a crash are the ones that are needed. */
function destinationOf(options: LogOptions): DestinationStream {
  const target =
    options.destination ?? pino.destination({ dest: 1, sync: true, maxLength: heldBackBytes });
  return {
    write: (line) => void target.write(options.pretty ? prettyLine(line) : line),
  };
}
