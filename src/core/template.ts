/** The text of a message, from a template of the operator's or as we would write it. */
import { Failure } from './errors.ts';
import type { Notice, Sender } from './notice.ts';

/** The words of a template, each with what stands in its place. */
const placeholders: Readonly<Record<string, (notice: Notice, sender: Sender) => string>> = {
  event: ({ kind }) => kind,
  level: ({ level }) => level,
  time: ({ at }) => at.toISOString(),
  text: ({ text }) => text,
  cluster: (_, { cluster }) => cluster,
  host: (_, { host }) => host,
  store: ({ store }) => store ?? '',
  backup: ({ backup }) => backup ?? '',
  code: ({ failure }) => failure?.code ?? '',
  hint: ({ failure }) => failure?.hint ?? '',
};

export const placeholderNames: readonly string[] = Object.keys(placeholders);

export interface Body {
  readonly type: string;
  readonly text: string;
}

export type Template = (notice: Notice, sender: Sender) => Body;

/**
 * Reads the text of a template. One that begins as JSON has to be JSON, with placeholders inside of
 * strings: what they stand for is escaped there, so no message can break out of its place.
 * Throws `config-invalid` with the reason alone.
 */
export function parseTemplate(text: string): Template {
  const unknown = [...text.matchAll(/\{\{(.*?)\}\}/gs)]
    .map(([, name = '']) => name.trim())
    .find((name) => !placeholderNames.includes(name));
  if (unknown !== undefined) {
    const known = placeholderNames.join(', ');
    throw refusal(`has the unknown placeholder {{${unknown}}}; there are: ${known}`);
  }
  if (!/^\s*(\{(?!\{)|\[)/.test(text)) {
    return (notice, sender) => ({
      type: 'text/plain; charset=utf-8',
      text: fill(text, notice, sender),
    });
  }
  const shape = parseJson(text);
  return (notice, sender) => {
    const filled = JSON.stringify(shape, (_, value) =>
      typeof value === 'string' ? fill(value, notice, sender) : value,
    );
    return { type: jsonType, text: filled };
  };
}

const jsonType = 'application/json';

/** The body where no template is set. Keys are added to it, and never changed or removed. */
export function standardBody(notice: Notice, sender: Sender): Body {
  const { kind, level, at, text, store, backup, failure } = notice;
  const { cluster, host, version } = sender;
  const facts = { event: kind, level, time: at, text, cluster, host, store, backup, failure };
  return { type: jsonType, text: JSON.stringify({ format: 1, ...facts, version }) };
}

function fill(text: string, notice: Notice, sender: Sender): string {
  return text.replaceAll(/\{\{(.*?)\}\}/gs, (whole, name: string) => {
    return placeholders[name.trim()]?.(notice, sender) ?? whole;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('begins as JSON and is none: placeholders stand in strings, "{{text}}"');
  }
}

function refusal(reason: string): Failure {
  return new Failure('config-invalid', reason);
}
