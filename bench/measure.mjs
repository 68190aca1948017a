// Timing of whole processes, in a way that survives a busy machine: the commands of a group run in turn, and only ratios
// within one round are looked at.
import { spawnSync } from 'node:child_process';

import pty from '@lydell/node-pty';

/**
 * @typedef {object} Command
 * @property {string} name
 * @property {string[]} argv program and arguments
 * @property {Record<string, string>} env
 * @property {string} [stdin]
 * @property {() => Promise<void>} [before] what comes before each run, and is not measured
 * @property {string} [typed] runs in a pseudo-terminal; this is typed when it asks
 */

/** @returns {Promise<number>} wall time of one run in milliseconds */
async function time(command) {
  const [program = '', ...args] = command.argv;
  if (command.typed !== undefined) {
    return timeInTerminal(program, args, command);
  }
  const started = performance.now();
  const { status, stderr, error } = spawnSync(program, args, {
    env: command.env,
    input: command.stdin ?? '',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const elapsed = performance.now() - started;
  if (error !== undefined || status !== 0) {
    throw new Error(`${command.name} failed: ${error?.message ?? stderr.toString()}`);
  }
  return elapsed;
}

function timeInTerminal(program, args, { name, env, typed }) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = pty.spawn(program, args, { env });
    let asked = false;
    child.onData(() => {
      if (!asked) {
        asked = true;
        child.write(`${typed}\r`);
      }
    });
    child.onExit(({ exitCode }) => {
      const elapsed = performance.now() - started;
      if (exitCode === 0) {
        resolve(elapsed);
      } else {
        reject(new Error(`${name} ended with ${exitCode}`));
      }
    });
  });
}

/**
 * Runs the commands in turn, `rounds` times after one round to warm up.
 * @param {readonly Command[]} commands
 * @param {number} rounds
 * @returns {Promise<Map<string, number[]>>} milliseconds by name, one per round
 */
export async function measure(commands, rounds) {
  const times = new Map(commands.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const command of commands) {
      await command.before?.();
      const elapsed = await time(command);
      if (round >= 0) {
        times.get(command.name)?.push(elapsed);
      }
    }
  }
  return times;
}

/** The median, over the rounds, of what `combine` makes of one round's times. */
export function medianOf(times, combine) {
  const [first = []] = times.values();
  return median(first.map((_, round) => combine((name) => times.get(name)?.[round] ?? Number.NaN)));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
