// Makes a fresh clone able to run a command, then runs it:
//
//     node test/setup/ready.mjs [--etcd | --etcd-all] -- COMMAND ARGUMENT...
//
// Installs the packages of package-lock.json if they are missing or older, checks that they brought
// the Node.js that the project runs on, with --etcd brings etcd 3.4 and 3.5 (--etcd-all: also 3.6
// and 3.7), and runs the command with those first on PATH. It is plain JavaScript without
// packages because it runs before any exist, on whatever Node.js (20 or newer) the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const bin = join(root, 'node_modules', '.bin');
const node = join(bin, 'node');

if (Number(process.versions.node.split('.')[0]) < 20) {
  stop(`Node.js 20 or newer is needed to start; this is ${process.version}.`);
}
const { command, wantsEtcd, wantsAllEtcd } = readArguments(process.argv.slice(2));
if (!packagesAreCurrent()) installPackages();
bringNode();
const etcdDir = wantsEtcd || wantsAllEtcd ? bringEtcd() : undefined;
runCommand();

function readArguments(argv) {
  const end = argv.indexOf('--');
  const flags = argv.slice(0, end < 0 ? argv.length : end);
  const unknown = flags.find((flag) => flag !== '--etcd' && flag !== '--etcd-all');
  if (end < 0 || end === argv.length - 1 || unknown !== undefined) {
    stop('usage: node test/setup/ready.mjs [--etcd | --etcd-all] -- COMMAND ARGUMENT...');
  }
  return {
    command: argv.slice(end + 1),
    wantsEtcd: flags.includes('--etcd'),
    wantsAllEtcd: flags.includes('--etcd-all'),
  };
}

// npm writes down what it installed in a lock file of its own. It holds the same packages in the
// same words, less the root and what this platform does not take, so contents decide and not
// times, which a checkout or a copy changes at will.
function packagesAreCurrent() {
  const wanted = readLock(join(root, 'package-lock.json'));
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    const needed = path !== '' && !optional && !devOptional;
    if (!needed && installed[path] === undefined) return true;
    return installed[path]?.version === version;
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    // Missing or cut short: not an installation to build on.
    return undefined;
  }
}

function installPackages() {
  say('installing the packages of package-lock.json (npm install)');
  const began = performance.now();
  // With NODE_ENV=production npm would leave out what the command needs. Not "npm ci": it refuses a
  // lock that lacks the builds for other platforms, which not every registry carries.
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund'];
  const done = spawnSync('npm', args, { cwd: root, encoding: 'utf8' });
  if (done.error) stop(`npm cannot be run: ${done.error.message}`);
  if (done.status !== 0) {
    stop(`npm install ended with ${done.status ?? done.signal}:\n${done.stdout}${done.stderr}`);
  }
  say(`packages installed in ${seconds(began)}`);
}

// The package "node" fetches its program in an install script. npm leaves such scripts out where
// a setting of the machine says so (ignore-scripts, strict-allow-scripts); then we run it.
function bringNode() {
  if (nodeWorks()) return;
  say('fetching the Node.js of package-lock.json (its install script did not run)');
  const options = { cwd: join(root, 'node_modules', 'node'), encoding: 'utf8' };
  const done = spawnSync(process.execPath, ['installArchSpecificPackage.js'], options);
  // npm links only programs that exist when it installs.
  rmSync(node, { force: true });
  symlinkSync(join('..', 'node', 'bin', 'node'), node);
  if (!nodeWorks()) {
    stop(
      `node_modules/.bin/node does not run. Its install script said:\n${done.stdout}${done.stderr}\n` +
        'Allow install scripts for the package "node" (npm install-scripts approve node), ' +
        'then: npm rebuild node',
    );
  }
}

function nodeWorks() {
  const wanted = readLock(join(root, 'package-lock.json'))?.['node_modules/node']?.version;
  const done = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return done.status === 0 && done.stdout.trim() === `v${wanted}`;
}

function bringEtcd() {
  const script = join(root, 'test', 'setup', 'etcd.ts');
  const more = wantsAllEtcd ? '3.4,3.6,3.7' : '3.4';
  const args = [script, '--want', '3.5', '--try', more, '--path', '3.5'];
  const done = spawnSync(node, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (done.status !== 0) stop('etcd 3.5 is needed and could not be had; see above.');
  return done.stdout.trim();
}

function runCommand() {
  // etcd goes last: the etcd that somebody chose by PATH stays the chosen one.
  const path = [bin, process.env.PATH, etcdDir].filter((part) => part !== undefined);
  // The tests start the program hundreds of times: it is compiled once.
  const compiled = join(root, 'node_modules', '.cache', 'compiled');
  const env = { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: path.join(delimiter) };
  const child = spawn(command[0], command.slice(1), { cwd: root, stdio: 'inherit', env });
  // The command alone decides when it ends. A terminal sends Ctrl-C to both of us, and a second
  // SIGINT means "at once" to many programs: so it is passed on only where there is no terminal.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    const fromTerminal = signal !== 'SIGTERM' && process.stdin.isTTY;
    process.on(signal, () => fromTerminal || child.kill(signal));
  }
  child.on('error', (error) => stop(`${command[0]} cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function stop(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}
