/**
 * The last line of defence against a secret in the log. Failures must not carry one in the first
 * place; but a message may quote what a library said, and libraries quote URLs and headers.
 */

const longestText = 8000;

const secretShapes: readonly (readonly [RegExp, string])[] = [
  [/:\/\/[^/@\s]{1,1000}@/g, '://[secret]@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{16,}/gi, '$1 [secret]'],
  [/(x-amz-(?:signature|credential|security-token)=)[^&\s"']+/gi, '$1[secret]'],
  [/\b(password|passwd|secret|token)=[^&\s"']+/gi, '$1=[secret]'],
  [/AGE-SECRET-KEY-1[A-Z0-9]+/gi, '[secret]'],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,10000}/g, '[secret]'],
];

const secretKey = /password|passwd|secret|token|credential|authorization|private/i;

/** `text` without what looks like a secret, cut where it is longer than a log can carry. */
export function scrubText(text: string): string {
  // Cut before matching: it bounds the time that a hostile text can cost.
  const cut = text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  return secretShapes.reduce((left, [shape, mask]) => left.replace(shape, mask), cut);
}

/** Whether the value under this key is a secret whatever it looks like. */
export function isSecretKey(key: string): boolean {
  return secretKey.test(key);
}
