/** Rules about pings and webhooks: names, and what would cross the network in clear. */
import { Failure } from '../core/errors.ts';
import { crossesInClear, parseWebAddress } from '../core/web-address.ts';
import { pingName } from './notify-config.ts';
import type { Rule } from './rule.ts';
import type { Settings } from './schema.ts';

const clearReason =
  'is http, which anybody on the way can read: write https, or set insecureHttp: true';

const pings = ['success', 'failure'] as const;

export function notifyRules({ notify }: Settings): readonly Rule[] {
  return [
    ...pings.map((name): Rule => {
      return {
        keys: [`notify.ping.${name}`, 'notify.ping.insecureHttp'],
        reason: ({ notify: { ping } }) =>
          isClear(ping[name]) && !ping.insecureHttp ? clearReason : null,
        example: 'https://ping.example.org/0a1b2c',
      };
    }),
    ...notify.webhooks.flatMap((_, index) => webhookRules(index)),
  ];
}

function webhookRules(index: number): readonly Rule[] {
  const key = (name: string) => `notify.webhooks[${index}].${name}`;
  return [
    {
      keys: [key('name')],
      reason: ({ notify: { webhooks } }) => {
        const name = webhooks[index]?.name;
        if (name === pingName) return 'is what notify.ping is called in metrics';
        return webhooks.slice(0, index).some((other) => other.name === name)
          ? 'is the name of an earlier webhook: names must be unique'
          : null;
      },
      example: `webhook-${index + 1}`,
    },
    {
      keys: [key('url'), key('insecureHttp')],
      reason: ({ notify: { webhooks } }) => {
        const { url = null, insecureHttp } = webhooks[index] ?? {};
        return isClear(url) && insecureHttp === false ? clearReason : null;
      },
      example: 'https://hooks.example.org/services/T000/B000',
    },
  ];
}

/** What is allowed and worth a line at each start. */
export function notifyRisks({ notify: { ping, webhooks } }: Settings): readonly string[] {
  const clear = [
    ...pings.map((name) => [`notify.ping.${name}`, ping[name]] as const),
    ...webhooks.map(({ url }, index) => [`notify.webhooks[${index}].url`, url] as const),
  ].filter(([, url]) => isClear(url));
  return clear.map(([key]) => `${key}: http, so messages cross the network in clear`);
}

/** False for a file: what it holds is looked at when it is read. */
function isClear(url: string | null): boolean {
  if (url === null || url.startsWith('/')) return false;
  try {
    return crossesInClear(parseWebAddress(url));
  } catch (thrown) {
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}
