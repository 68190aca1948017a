import { execFileSync, spawnSync } from 'node:child_process';

import { builtMesa, NODE } from './run-mesa.ts';

/** Words behind `mesa` that begin a command of it; prose has others. */
const COMMAND = /\bmesa (?=auth\b|init\b|completion\b|help\b|--)/;

/** What is wrong with a hint, of what can be told without running it. */
export function faultsOfHint(hint: string): readonly string[] {
  const faults: string[] = [];
  if (/[<>]|\.\.\./.test(hint)) {
    faults.push('has a placeholder');
  }
  if (spawnSync('sh', ['-n'], { input: `${hint}\n` }).status !== 0) {
    faults.push('is no shell');
  }
  const first = COMMAND.exec(hint);
  const before = hint.slice(0, first?.index ?? 0);
  if (first !== null && !/^$|(?:: |\| |&& |[A-Z_]="\$[A-Z_]+" )$/.test(before)) {
    faults.push('has a command inside of a sentence');
  }
  return faults;
}

/** The command lines of mesa in a hint, each without `mesa`. */
export function commandsInHint(hint: string): readonly string[] {
  return hint
    .split(new RegExp(COMMAND, 'g'))
    .slice(1)
    .map((line) => line.replace(/ (?:\||&&) .*$| (?:\||&&) ?$/, ''));
}

/** Whether a command line is one of mesa: its help is shown when that is asked for, with every flag that it has. */
export function isCommand(line: string): boolean {
  const own = line.replace(/ -- .*$/, '');
  const words = execFileSync('sh', ['-c', `for word in ${own}; do printf '%s\\0' "$word"; done`], {
    encoding: 'utf8',
  });
  const args = words.split('\0').slice(0, -1);
  const shown = spawnSync(NODE, [builtMesa(), ...args, ...(args.includes('--version') ? [] : ['--help'])], {
    encoding: 'utf8',
  });
  return shown.status === 0 && flagsOf(args).every((flag) => args[0] === flag || shown.stdout.includes(flag));
}

function flagsOf(args: readonly string[]): readonly string[] {
  return args.filter((word) => /^--?[a-z]/.test(word) && word !== '--help');
}
