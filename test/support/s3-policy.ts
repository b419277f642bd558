import type { Guide } from './guides.ts';

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: string;
  }[];
}

/** The policy for a bucket that a guide shows. */
export function policyOf({ blocks }: Guide): Policy {
  const shown = blocks.find(({ language }) => language === 'json');
  if (shown === undefined) throw new Error('no policy is shown');
  return JSON.parse(shown.lines.join('\n'));
}
