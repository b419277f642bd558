import { expect, test } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import { joinObservers } from '../../../src/observe/join.ts';
import { sample } from './events.ts';

test('tells every observer every event, in order', () => {
  const heard: string[] = [];
  const hear = (name: string) => (event: Event) => heard.push(`${name} ${event.kind}`);
  const observe = joinObservers({ first: hear('first'), second: hear('second') });

  observe(sample('run-started'));
  observe(sample('run-finished'));

  expect(heard).toEqual([
    'first run-started',
    'second run-started',
    'first run-finished',
    'second run-finished',
  ]);
});

test('goes on when an observer throws, and complains about it once', () => {
  const heard: string[] = [];
  const complaints: string[] = [];
  const broken = () => {
    throw new Error('no space at https://root:hunter2@log');
  };
  const observe = joinObservers({ broken, whole: (event) => heard.push(event.kind) }, (line) =>
    complaints.push(line),
  );

  observe(sample('run-started'));
  observe(sample('run-finished'));

  expect(heard).toEqual(['run-started', 'run-finished']);
  expect(complaints).toEqual([
    'etcd-backupd: observer broken failed on run-started: no space at https://[secret]@log ' +
      '(said once)',
  ]);
});
