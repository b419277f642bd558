/**
 * Durations and sizes as people write them, and back. Text is exact or refused: a number without a
 * unit is never guessed to be seconds, and "64M" is never guessed to be one of its two meanings.
 */
import { Failure } from './errors.ts';

const durationUnits = {
  w: 7 * 24 * 60 * 60 * 1000,
  d: 24 * 60 * 60 * 1000,
  h: 60 * 60 * 1000,
  m: 60 * 1000,
  s: 1000,
  ms: 1,
} as const;

const sizeUnits = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
} as const;

const number = String.raw`(\d{1,16}(?:\.\d{1,3})?)`;
const onePart = `${number}(ms|[wdhms])`;
const durationText = new RegExp(`^${onePart}(?: ?${onePart})*$`);
const durationPart = new RegExp(onePart, 'g');
const sizeText = new RegExp(`^${number} ?([A-Za-z]*)$`);

/** Milliseconds of "250ms", "90s", "1h30m", "7d", "2w" or "0". */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (/^\d+(\.\d+)?$/.test(text)) throw refusal('a duration needs a unit: ms, s, m, h, d or w');
  if (!durationText.test(text)) {
    throw refusal('a duration is numbers, each with its unit: ms, s, m, h, d or w');
  }
  let total = 0;
  let previousUnitMs = Number.POSITIVE_INFINITY;
  for (const [, amount, unit] of text.matchAll(durationPart)) {
    const unitMs = durationUnits[unit as keyof typeof durationUnits];
    // "5m1h" and "5m5m" are slips of the hand more often than they are meant.
    if (unitMs >= previousUnitMs) throw refusal('the units of a duration go from large to small');
    previousUnitMs = unitMs;
    total += Number(amount) * unitMs;
  }
  return exact(Math.round(total), 'duration');
}

/** Bytes of "64MiB", "1.5GiB", "500MB" or "1048576". */
export function parseSize(text: string): number {
  const [, amount, unit] = sizeText.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    throw refusal(
      'a size is a number of bytes, or a number with KiB, MiB, GiB, TiB, kB, MB, GB, TB',
    );
  }
  if (unit !== '' && !isSizeUnit(unit)) {
    throw refusal(`${unit} is not a unit of size: write KiB, MiB, GiB, TiB, kB, MB, GB or TB`);
  }
  const unitBytes = unit === '' ? 1 : sizeUnits[unit];
  return exact(Math.round(Number(amount) * unitBytes), 'size');
}

/** For people, at most two units: "850ms", "12.3s", "5m 12s", "2d 3h". */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const whole = Math.round(ms);
  if (whole === 0) return '0s';
  if (whole < durationUnits.s) return `${whole}ms`;
  // Rounded before it is compared: 59.96 s must read "1m" and never "60s".
  const tenths = Math.round(whole / 100) / 10;
  if (tenths < 60) return `${tenths}s`;
  const scale = [
    ['d', durationUnits.d, 'h', durationUnits.h],
    ['h', durationUnits.h, 'm', durationUnits.m],
    ['m', durationUnits.m, 's', durationUnits.s],
  ] as const;
  for (const [large, largeMs, small, smallMs] of scale) {
    const parts = Math.round(whole / smallMs) * smallMs;
    if (parts < largeMs) continue;
    const rest = (parts % largeMs) / smallMs;
    return `${Math.floor(parts / largeMs)}${large}${rest === 0 ? '' : ` ${rest}${small}`}`;
  }
  return `${tenths}s`;
}

/** For people, in powers of 1024: "512 B", "1.5 GiB". */
export function formatBytes(bytes: number): string {
  const names = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  if (Math.abs(bytes) < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let step = 0;
  // 1023.96 would be printed as "1024": the next unit begins where rounding reaches it.
  while (Math.abs(value) >= 1023.95 && step < names.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${Math.round(value * 10) / 10} ${names[step]}`;
}

function isSizeUnit(text: string): text is keyof typeof sizeUnits {
  return Object.hasOwn(sizeUnits, text);
}

function exact(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw refusal(`the ${what} is too large to be counted exactly`);
  return value;
}

function refusal(reason: string): Failure {
  return new Failure('config-invalid', reason);
}
