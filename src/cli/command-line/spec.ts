import type { Context } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/scope-options.ts';

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

export interface CommandSpec {
  /** The words that name it: `['auth', 'get-key']`. All but the last name groups. */
  readonly path: readonly [string, ...string[]];
  readonly description: string;
  readonly examples: readonly string[];
  readonly flags: readonly FlagSpec[];
  /** Its one argument. */
  readonly argument?: {
    readonly name: string;
    readonly description: string;
    readonly values?: Values;
    readonly required?: true;
  };
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
  ) => Promise<number | void>;
}

/** The words before the last one of a command. */
export interface GroupSpec {
  readonly description: string;
  readonly examples: readonly string[];
}

/** All that can be typed. */
export interface CommandTable {
  readonly commands: readonly CommandSpec[];
  /** By their words: `auth api-keys`. */
  readonly groups: ReadonlyMap<string, GroupSpec>;
  /** The flags that every command has. */
  readonly libraryFlags: Readonly<Record<string, FlagSpec>>;
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

/** Of a look-up. */
export const SCOPE_FLAGS: readonly FlagSpec[] = [
  {
    long: '--org',
    value: 'organization',
    values: 'organizations',
    description: "the organization; without it MESA_ORG, the checkout's, or global",
  },
  {
    long: '--repo',
    value: 'repository',
    values: 'repositories',
    description: 'a repository of that organization',
  },
];
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
