/** Tests that documents name as the proof of what they say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const oneTest = /^`(?<path>test\/[^`]+\.ts)`: "(?<title>(?:[^"\\]|\\.)+)"$/;

/** What is wrong about a reference; undefined when the file holds the title, literally. */
export function faultOf(reference: string): string | undefined {
  const { path, title } = oneTest.exec(reference)?.groups ?? {};
  if (path === undefined || title === undefined) return `not a test: ${reference}`;
  if (!existsSync(join(root, path))) return `no file ${path}`;
  const text = readFileSync(join(root, path), 'utf8');
  const plain = title.replaceAll('\\"', '"');
  // Quoted: the whole title of a test, or of a row of its cases.
  const quoted = ["'", '"', '`'].map((mark) => `${mark}${plain}${mark}`);
  return quoted.some((each) => text.includes(each)) ? undefined : `${path} has no "${plain}"`;
}
