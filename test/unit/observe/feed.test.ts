import { expect, test } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import { eventFeed } from '../../../src/observe/feed.ts';
import { everyEvent, sample } from './events.ts';

const now = () => new Date('2026-11-20T15:46:00Z');
const swept = (file: string): Event => ({ kind: 'spool-swept', files: [file] });

test('tells every event in one line of JSON, but not the audit', () => {
  const feed = eventFeed({ now });
  const told: string[] = [];
  feed.listen(({ json }) => told.push(json));

  for (const event of everyEvent) feed.observe(event);

  const kinds = new Set(everyEvent.map(({ kind }) => kind));
  kinds.delete('call-made');
  expect(new Set(told.map((json) => JSON.parse(json).event))).toEqual(kinds);
  expect(told.filter((json) => json.includes('\n'))).toEqual([]);
});

test('keeps no more than it may, the newest', () => {
  const feed = eventFeed({ now, keepBytes: 2_000 });

  for (let at = 0; at < 500; at += 1) feed.observe(swept(`file-${at}`));

  const kept = feed.kept();
  const bytes = kept.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
  expect(bytes).toBeLessThanOrEqual(2_000);
  expect(kept.length).toBeGreaterThan(5);
  expect(kept.at(-1)?.json).toContain('file-499');
});

test('knows what came after an entry as long as it keeps the next one', () => {
  const feed = eventFeed({ now, keepBytes: 500 });
  for (let at = 0; at < 50; at += 1) feed.observe(swept(`file-${at}`));
  const [oldest] = feed.kept();
  const [start, number] = (oldest?.id ?? '').split('-');

  const afterForgotten = feed.after(`${start}-${Number(number) - 1}`);
  const afterGap = feed.after(`${start}-${Number(number) - 2}`);
  const afterLast = feed.after(feed.kept().at(-1)?.id ?? '');

  expect(afterForgotten).toEqual(feed.kept());
  expect(afterGap).toBeUndefined();
  expect(afterLast).toEqual([]);
});

test('knows nothing of what an earlier start has told', () => {
  const earlier = eventFeed({ now: () => new Date('2026-11-20T15:45:00Z') });
  const feed = eventFeed({ now });
  for (const one of [earlier, feed]) one.observe(swept('a'));

  expect(feed.after(earlier.kept()[0]?.id ?? '')).toBeUndefined();
});

test('makes nothing of progress while nobody listens', () => {
  const feed = eventFeed({ now });

  feed.observe(sample('step-advanced'));

  expect(feed.kept()).toEqual([]);
});
