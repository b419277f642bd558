/** The text of messages. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Notice, Sender } from '../../../src/core/notice.ts';
import { parseTemplate, placeholderNames, standardBody } from '../../../src/core/template.ts';

const sender: Sender = { cluster: 'prod', host: 'etcd-1', version: '0.1.0' };
const notice: Notice = {
  kind: 'store-failed',
  level: 'error',
  at: new Date('2026-11-20T15:45:00Z'),
  text: 'store "local" cannot be read: a\nb',
  store: 'local',
  backup: null,
  failure: { code: 'store-failed', message: 'a', hint: 'Look at it.' },
};

const write = (template: string): string => parseTemplate(template)(notice, sender).text;

describe('a template', () => {
  test('of text is filled as it stands', () => {
    const body = parseTemplate('{{event}} in {{ cluster }}: {{text}} ({{backup}})')(notice, sender);

    expect(body).toEqual({
      type: 'text/plain; charset=utf-8',
      text: 'store-failed in prod: store "local" cannot be read: a\nb ()',
    });
  });

  test('of JSON stays JSON, with numbers and nested values as they were', () => {
    const body = parseTemplate('{ "n": 1, "at": [{"text": "! {{text}}"}] }')(notice, sender);

    expect(body.type).toBe('application/json');
    expect(JSON.parse(body.text)).toEqual({ n: 1, at: [{ text: `! ${notice.text}` }] });
  });

  test('of JSON cannot be broken out of by any message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { text: made } = parseTemplate('{"a":"<{{text}}>"}')({ ...notice, text }, sender);
        expect(JSON.parse(made)).toEqual({ a: `<${text}>` });
      }),
    );
  });

  test('does not fill in what a message brought', () => {
    const { text } = parseTemplate('{{text}}')({ ...notice, text: '{{host}} $& $1' }, sender);

    expect(text).toBe('{{host}} $& $1');
  });

  test('knows every placeholder', () => {
    const filled = placeholderNames.map((name) => write(`{{${name}}}`));

    expect(Object.fromEntries(placeholderNames.map((name, at) => [name, filled[at]]))).toEqual({
      event: 'store-failed',
      level: 'error',
      time: '2026-11-20T15:45:00.000Z',
      text: notice.text,
      cluster: 'prod',
      host: 'etcd-1',
      store: 'local',
      backup: '',
      code: 'store-failed',
      hint: 'Look at it.',
    });
  });

  test.each([
    ['{{nothing}}', 'has the unknown placeholder {{nothing}}; there are: event, level'],
    ['{{toString}}', 'has the unknown placeholder {{toString}}'],
    ['{"a": {{text}}}', 'begins as JSON and is none'],
    ['["{{text}}"', 'begins as JSON and is none'],
  ])('is refused where it is wrong: %s', (template, reason) => {
    expect(() => parseTemplate(template)).toThrow(reason);
  });
});

test('the standard body is what programs were made to read', () => {
  expect(JSON.parse(standardBody(notice, sender).text)).toEqual({
    format: 1,
    event: 'store-failed',
    level: 'error',
    time: '2026-11-20T15:45:00.000Z',
    text: notice.text,
    cluster: 'prod',
    host: 'etcd-1',
    store: 'local',
    backup: null,
    failure: { code: 'store-failed', message: 'a', hint: 'Look at it.' },
    version: '0.1.0',
  });
});
