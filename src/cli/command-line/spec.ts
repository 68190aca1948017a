import type { Host } from '../../platform/host.ts';
import { Context, type GlobalOptions } from '../../session/context.ts';
import { wantsColor } from '../../session/style.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';

/**
 * What may be said, for completion: these words, or names that are looked up when somebody presses Tab. A repository is
 * one of the organization that was named; `org/repo` any.
 */
export type Values = readonly string[] | 'organizations' | 'repositories' | 'org/repo' | 'files';

/** A flag by its long name: `--config-path`. */
export interface FlagSpec {
  readonly long: `--${string}`;
  readonly short?: `-${string}`;
  /** The name of its value in help, as in `path`; absent for a switch. */
  readonly value?: string;
  /** Absent when nothing is known about its value. */
  readonly values?: Values;
  /** It may be given more than once. */
  readonly repeatable?: true;
  readonly description: string;
}

/** Given flags by their long names without dashes: a value, all values of one that repeats, or true for a switch. */
export type Flags = ReadonlyMap<string, FlagValue>;
export type FlagValue = string | readonly string[] | true;

export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  readonly values?: Values;
  readonly required?: true;
}

/** What the file of a command declares. */
export interface CommandSpec {
  /** The words that name it: `['auth', 'get-key']`. All but the last name groups. */
  readonly path: readonly [string, ...string[]];
  readonly description: string;
  readonly examples: readonly string[];
  readonly flags: readonly FlagSpec[];
  /** Its one argument. */
  readonly argument?: ArgumentSpec;
  /** What further words behind its argument are. */
  readonly more?: { readonly name: string; readonly description: string };
  /** What it takes after `--`, as it is: the words of a command line. */
  readonly rest?: { readonly usage: string; readonly description: string };
  /** Not shown in help, and not completed: for programs. */
  readonly hidden?: true;
  /** Gives the exit status where that is not 0. */
  readonly run: (
    context: Context,
    flags: Flags,
    argument: string | undefined,
    /** The words that `more` or `rest` is about. */
    rest: readonly string[],
    /** For what is about commands. Given, since the table itself imports each of them. */
    loadTable: () => Promise<CommandTable>,
  ) => Promise<number | void>;
}

/** The words before the last one of a command. */
export interface GroupSpec {
  readonly description: string;
  readonly examples: readonly string[];
}

/** Everything that can be typed. */
export interface CommandTable {
  /** In the order of help. */
  readonly commands: readonly CommandSpec[];
  /** By their words; one that is in another comes behind it. */
  readonly groups: ReadonlyMap<string, GroupSpec>;
}

/** What the log of uses calls a command: its words without `auth`. */
export function actionOf({ path }: CommandSpec): string {
  return path.filter((word) => word !== 'auth').join(' ');
}

export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  {
    long: '--config-path',
    short: '-c',
    value: 'path',
    values: 'files',
    description: 'use this config.toml instead of searching for one',
  },
  { long: '--non-interactive', short: '-y', description: 'never ask; take the defaults' },
];

/** `--org`. @param absent what counts without it; that of a look-up by default */
export function orgFlag(absent = "MESA_ORG, the checkout's, or global"): FlagSpec {
  return {
    long: '--org',
    value: 'organization',
    values: 'organizations',
    description: `the organization; without it ${absent}`,
  };
}

/** `--org` and `--repo`, for one scope. @param absent see orgFlag */
export function orgAndRepoFlags(absent?: string): readonly FlagSpec[] {
  return [
    orgFlag(absent),
    {
      long: '--repo',
      value: 'repository',
      values: 'repositories',
      description: 'a repository of that organization',
    },
  ];
}

export const JSON_FLAG: FlagSpec = {
  long: '--json',
  description: 'print one JSON document, without secrets',
};

/** The name under which a flag's value is kept: the long one without dashes. */
export function nameOf(flag: FlagSpec): string {
  return flag.long.slice(2);
}

/** What `--org` and `--repo` say. */
export function scopeOf(flags: Flags): ScopeOptions {
  return { org: valueOf(flags, 'org'), repo: valueOf(flags, 'repo') };
}

/** The value of a flag, undefined when it was not given. */
export function valueOf(flags: Flags, name: string): string | undefined {
  const value = flags.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** Every value of a flag that repeats, in order. */
export function valuesOf(flags: Flags, name: string): readonly string[] {
  const value = flags.get(name);
  return typeof value === 'object' ? value : [];
}

/** What a flag's value becomes with one more. */
export function withValue(flag: FlagSpec, before: FlagValue | undefined, value: string): FlagValue {
  return flag.repeatable === true ? [...(typeof before === 'object' ? before : []), value] : value;
}

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
 * repeats. Loading the command-line library costs more than most commands, so this runs first; whatever is not plain
 * (help, `--a=b`, `--`, every mistake) gives undefined, and the library decides. Both work from the same table, and there
 * is a test that they agree.
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
  loadTable: () => Promise<CommandTable>,
): Promise<number | void> {
  return command.run(contextOf(host, flags, actionOf(command)), flags, argument, rest, loadTable);
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
