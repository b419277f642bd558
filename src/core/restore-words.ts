/** What is asked of a restore, as people write it: undefined where the text is nothing of it. */

/** ISO 8601 with an offset: a time without one means something else on every host. */
export function parseTime(text: string): Date | undefined {
  const isWhole = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const time = new Date(text);
  return isWhole && !Number.isNaN(time.getTime()) ? time : undefined;
}

/** By how much the revision jumps: a whole number of 1 or more. */
export function parseBump(text: string): bigint | undefined {
  return /^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined;
}

/** `3.5`, `v3.5.30`, `3.6.0-rc.1`. */
export function parseEtcdVersion(text: string): string | undefined {
  return /^v?\d+\.\d+(\.\d+)?([-+].*)?$/.test(text) ? text : undefined;
}
