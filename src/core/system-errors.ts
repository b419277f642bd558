/** What the operating system calls its errors. */

/** The operating system's error name (`ENOENT`, `ENOSPC`...), if the thrown value has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? (nameless[thrown.code] ?? thrown.code) : undefined;
}

/** Node.js has no names for these errors of Linux, only numbers. */
const nameless: Readonly<Record<string, string>> = {
  'Unknown system error -116': 'ESTALE',
  'Unknown system error -122': 'EDQUOT',
};
