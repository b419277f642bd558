/** The program as it is shipped: compiled, not stripped of its types at every start. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Compiles the program and returns the path of its main file. */
export function builtProgram(): string {
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  execFileSync(compiler, ['-p', join(root, 'src', 'tsconfig.json')], { stdio: 'inherit' });
  return join(root, 'dist', 'main.js');
}
