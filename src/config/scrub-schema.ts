/** The part of the schema that is about stored copies staying what they are. */
import { section, setting } from './entry.ts';
import { duration, type Format, truth } from './formats.ts';
import { cronText } from './places.ts';

const dayMs = 24 * 60 * 60 * 1000;

const cronOrNever: Format<string> = {
  ...cronText,
  name: `${cronText.name}, or never`,
  parse: (text) => (text === 'never' ? text : cronText.parse(text)),
};

export const scrubSection = section(
  'Reading back what the stores hold. At each scrub every store is listed against its manifests ' +
    'and a share of its copies is read to the last byte; the verdict goes into the manifests. A ' +
    'scrub gives way to backups and goes on after them.',
  {
    cron: setting(
      cronOrNever,
      '17 2 * * *',
      'Due times of scrubs, in schedule.timezone. never: only by the command.',
      { example: '17 2 * * 6' },
    ),
    within: setting(
      duration({ min: dayMs, max: 3650 * dayMs }),
      '30d',
      'Every copy is read at least this often. Longer than two times of cron, so that a scrub ' +
        'that was missed can be made up for; shorter, and every scrub reads everything.',
    ),
    repair: setting(
      truth,
      'true',
      'Whether a copy that is damaged or gone is replaced by that of another store, once that ' +
        'one was read and found good. What is replaced is worth nothing any more; false leaves ' +
        'it for whoever wants to look at it.',
    ),
  },
);
