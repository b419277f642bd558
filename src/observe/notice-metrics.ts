/** How messages to others ended. */
import type { Observe } from '../core/events.ts';
import type { Series } from './series.ts';

const results = ['delivered', 'failed'] as const;

/** `targets`: the names of webhooks, and `ping`. */
export function countNotices(series: Series, targets: readonly string[]): Observe {
  const notifications = series.counter(
    'notifications_total',
    'Messages to a webhook or ping, by result. failed: not delivered at any try, or never sent ' +
      'because too many waited.',
    ['target', 'result'],
  );
  const begin = (target: string): void => {
    for (const result of results) notifications.inc({ target, result }, 0);
  };
  targets.forEach(begin);
  return (event) => {
    if (event.kind === 'config-reloaded') event.targets.forEach(begin);
    if (event.kind !== 'notice-delivered' && event.kind !== 'notice-failed') return;
    const result = event.kind === 'notice-delivered' ? 'delivered' : 'failed';
    notifications.inc({ target: event.target, result });
  };
}
