import { spawn } from 'node:child_process';

/** A process that gives a terminal back its modes when this one ends without having done so, as by SIGKILL. */
export interface TerminalGuard {
  /** Told that the modes were changed: from now on they are watched. */
  changed(): void;
  /** Told that they are as they were: it ends. */
  restored(): void;
}

const PROGRAM_DIRS = '/usr/bin:/bin:/run/current-system/sw/bin';

// Its end of input is our end. Whoever has set other modes since, as a shell that shows its prompt, keeps them.
const SCRIPT = `
saved=$(stty -g <&3) || exit
echo ready
read -r word || exit
changed=$(stty -g <&3)
read -r word && exit
[ "$(stty -g <&3)" != "$changed" ] || stty "$saved" <&3
`;

/**
 * Starts one. It is in a session of its own: no key and no signal of the terminal reaches it, and none keeps it from setting
 * modes. It has the lock, too, so that nobody else has a turn before the modes are as they were.
 * @param terminal an open file of the terminal, whose modes are those to keep
 * @param lock the open file that holds the lock
 * @returns undefined where the system has no program for it
 */
export function startTerminalGuard(
  terminal: number,
  lock: number | undefined,
): Promise<TerminalGuard | undefined> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', SCRIPT], {
      cwd: '/',
      env: { PATH: PROGRAM_DIRS },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore', terminal, lock ?? 'ignore'],
    });
    const { stdin, stdout } = child;
    const end = (guard?: TerminalGuard): void => {
      stdout?.destroy();
      child.unref();
      resolve(guard);
    };
    child.once('error', () => end());
    stdin?.on('error', () => undefined);
    stdout?.once('close', () => end());
    stdout?.once('data', () =>
      end({
        changed: () => stdin?.write('changed\n'),
        restored: () => stdin?.end('restored\n'),
      }),
    );
  });
}
