import type { Host } from '../../platform/host.ts';
import { Context, type GlobalOptions } from '../../session/context.ts';
import { wantsColor } from '../../session/style.ts';
import {
  actionOf,
  GLOBAL_FLAGS,
  nameOf,
  type CommandSpec,
  type Flags,
  type FlagSpec,
  type FlagValue,
  valueOf,
  withValue,
} from './spec.ts';

export interface CommandLine {
  readonly command: CommandSpec;
  /** Global flags included. */
  readonly flags: Flags;
  readonly argument: string | undefined;
  /** Words behind the argument, or what follows `--`, for a command that takes either. */
  readonly rest: readonly string[];
}

/**
 * Reads a command line that is plain: known command, known flags in full, `--flag value`, each at most once unless it
 * repeats. Loading
 * the command-line library costs more than most commands, so this runs first; whatever is not plain (help, `--a=b`,
 * `--`, every mistake) gives undefined, and the library decides. Both work from the same table, and there is a test
 * that they agree.
 * @param commands those to choose from; a line that names another one gives undefined
 */
export function parsePlainCommandLine(
  argv: readonly string[],
  commands: readonly CommandSpec[],
): CommandLine | undefined {
  const flags = new Map<string, FlagValue>();
  const words: string[] = [];
  let command: CommandSpec | undefined;
  let rest: readonly string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) {
      words.push(word);
      command ??= commands.find(
        ({ path }) => path.length === words.length && path.every((part, at) => part === words[at]),
      );
      continue;
    }
    if (word === '--' && command?.rest !== undefined) {
      rest = argv.slice(index + 1);
      break;
    }
    const flag = findFlag(word, command);
    if (flag === undefined || (flags.has(nameOf(flag)) && flag.repeatable !== true)) {
      return undefined;
    }
    if (flag.value === undefined) {
      flags.set(nameOf(flag), true);
      continue;
    }
    index += 1;
    const value = argv[index];
    if (value === undefined || value.startsWith('-')) {
      return undefined;
    }
    flags.set(nameOf(flag), withValue(flag, flags.get(nameOf(flag)), value));
  }
  if (command === undefined) {
    return undefined;
  }
  const [argument, ...more] = words.slice(command.path.length);
  const tooMany =
    (more.length > 0 && command.more === undefined) ||
    (argument !== undefined && command.argument === undefined);
  return tooMany ? undefined : { command, flags, argument, rest: command.more === undefined ? rest : more };
}

/** Runs what `parsePlainCommandLine` read. @throws MesaAuthError */
export function runPlainCommandLine(
  { command, flags, argument, rest }: CommandLine,
  host: Host,
): Promise<number | void> {
  return command.run(contextOf(host, flags, actionOf(command)), flags, argument, rest);
}

/** What a command works with. @param action what the log of uses calls it; absent for what uses no key */
export function contextOf(host: Host, flags: Flags, action?: string): Context {
  return new Context({
    host,
    openPassphrases: async (context) =>
      (await import('../../session/passphrases.ts')).openPassphrases(context),
    globals: globalOptions(flags),
    interaction: {
      openPrompter: async () =>
        (await import('../terminal/prompts.ts')).terminalPrompter(wantsColor(host.env, true)),
      askNewPassphrase: async (prompter, purpose) =>
        (await import('../../onboarding/ask-passphrase.ts')).askNewPassphrase(prompter, purpose),
      onboard: async (context, options) =>
        (await import('../../session/onboard.ts')).onboard(context, options),
    },
    command: action,
  });
}

/** What flags that every command takes say. */
export function globalOptions(flags: Flags): GlobalOptions {
  return { configPath: valueOf(flags, 'config-path'), nonInteractive: flags.has('non-interactive') };
}

/** The flag that a word is, of a command or of all. */
export function findFlag(word: string, command: CommandSpec | undefined): FlagSpec | undefined {
  return [...GLOBAL_FLAGS, ...(command?.flags ?? [])].find(
    ({ long, short }) => word === long || word === short,
  );
}
