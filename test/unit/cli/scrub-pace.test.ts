import { describe, expect, test } from 'vitest';
import { paceWarnings } from '../../../src/cli/scrub-pace.ts';
import { load } from '../config/loading.ts';
import { call, place } from './calling.ts';

const now = new Date('2026-11-20T15:45:00Z');

describe('what scrubs promise', () => {
  const warned = (...flags: string[]) => paceWarnings(load({ flags }).config, now);
  const weekly = '--scrub.cron=0 3 * * 0';

  test('is doubted where they are due too rarely for it', () => {
    expect(warned(weekly, '--scrub.within=6d')).toEqual([
      'scrub.within: 6d cannot be kept: scrub.cron leaves 7d between two scrubs',
    ]);
  });

  test('is doubted by whoever reads the configuration', async () => {
    const { words } = place();

    const { code, err } = await call(['list', ...words, weekly, '--scrub.within=6d']);

    expect(code).toBe('success');
    expect(err).toContain('warning: scrub.within: 6d cannot be kept');
  });

  test('can be kept by one that is due as often, and by the default', () => {
    expect(warned(weekly, '--scrub.within=7d')).toEqual([]);
    expect(warned()).toEqual([]);
  });

  test('is nobody’s concern where there are none', () => {
    expect(warned('--scrub.cron=never', '--scrub.within=1d')).toEqual([]);
  });
});
