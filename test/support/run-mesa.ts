import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';

import { builtProgram } from '../../scripts/built-from.mjs';
import type { TempHome } from './temp-home.ts';

let built: string | undefined;

/**
 * The path of the built program.
 * @throws an error where the sources have changed since it was built
 */
export function builtMesa(): string {
  built ??= builtProgram('mesa');
  return built;
}

/** The directory of the bundle that it starts. @throws as builtMesa */
export function builtDist(): string {
  return resolve(builtMesa(), '../../dist');
}

/** The node that runs mesa: the one that runs the tests, unless scripts/node-matrix.mjs names another. */
export const NODE = process.env['MESA_TEST_NODE'] ?? process.execPath;

export interface RunOptions {
  readonly home: TempHome;
  readonly env?: Readonly<Record<string, string>>;
  /** What standard input holds before it ends; without it, standard input is empty. */
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  /** A command that runs the program, as `strace -o FILE`. */
  readonly under?: readonly string[];
  /** Another script than the built program, such as a build of it for tests. */
  readonly script?: string;
}

export interface RunResult {
  /** The exit status, or null after a signal. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** The environment of a test's child: nothing of ours but PATH. */
export function childEnv({ home, env }: Pick<RunOptions, 'home' | 'env'>): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home.path, ...env };
}

/**
 * Starts the built program in a session of its own, so that it finds no controlling terminal to ask on even when
 * somebody runs the tests on one.
 */
export function startMesa(args: readonly string[], options: RunOptions): ChildProcess {
  return start([NODE, options.script ?? builtMesa(), ...args], options);
}

/** Runs the built program to its end. */
export function runMesa(args: readonly string[], options: RunOptions): Promise<RunResult> {
  return finishMesa(startMesa(args, options), options.stdin);
}

/** Runs a shell script in which `mesa` is the built program, for redirections, pipes and limits. */
export function runShell(script: string, options: RunOptions): Promise<RunResult> {
  const mesa = `mesa() { '${NODE}' '${builtMesa()}' "$@"; }`;
  return finishMesa(start(['/bin/sh', '-c', `${mesa}\n${script}`], options), options.stdin);
}

function start(command: readonly string[], options: RunOptions): ChildProcess {
  const [program = '', ...args] = [...(options.under ?? []), ...command];
  return spawn(program, args, {
    env: childEnv(options),
    cwd: options.cwd ?? options.home.path,
    detached: true,
    stdio: 'pipe',
  });
}

/** Gives standard input to a child that was started, and waits for its end. */
export function finishMesa(child: ChildProcess, stdin: RunOptions['stdin']): Promise<RunResult> {
  const started = performance.now();
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  // A program that refuses its input early closes the pipe; that is its right.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(stdin ?? '');
  return new Promise((resolvePromise, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      resolvePromise({
        status,
        signal,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
        milliseconds: performance.now() - started,
      });
    });
  });
}
