/**
 * What the process for a mount runs. A file of its own, because the program that is one single file
 * runs itself instead: packaging/single has what takes the place of this one there.
 */
export function childProgram(): URL | string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./child-process.${ending}`, import.meta.url);
}
