import type { GetKeyOptions } from './commands/get-key.ts';
import type { GlobalOptions } from './context.ts';

export interface FastCommand {
  readonly globals: GlobalOptions;
  readonly options: GetKeyOptions;
}

/**
 * Recognizes the plain form of the most frequent command, `auth get-key [--org O] [--repo R] [-y] [-c PATH]`, without
 * loading the command-line library, which costs more than the look-up. Whatever is not exactly that, mistakes
 * included, is undefined and left to the library. There is a test that both read the same command line alike.
 */
export function matchFastPath(argv: readonly string[]): FastCommand | undefined {
  const [group, command, ...rest] = argv;
  if (group !== 'auth' || command !== 'get-key') {
    return undefined;
  }
  const values = new Map<string, string>();
  let nonInteractive = false;
  for (let index = 0; index < rest.length; index += 1) {
    const flag = rest[index] ?? '';
    if (flag === '-y' || flag === '--non-interactive') {
      nonInteractive = true;
      continue;
    }
    const name = flag === '-c' ? '--config-path' : flag;
    const value = rest[(index += 1)];
    const known = name === '--org' || name === '--repo' || name === '--config-path';
    if (!known || value === undefined || value.startsWith('-') || values.has(name)) {
      return undefined;
    }
    values.set(name, value);
  }
  return {
    globals: { configPath: values.get('--config-path'), nonInteractive },
    options: { org: values.get('--org'), repo: values.get('--repo'), explain: false, json: false },
  };
}
