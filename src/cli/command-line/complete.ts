import type { KeyScope } from '../../core/key-scope.ts';
import { HELP_COMMAND, LIBRARY_FLAGS, TOPICS } from './help-topics.ts';
import {
  findFlag,
  GLOBAL_FLAGS,
  nameOf,
  valueOf,
  type CommandSpec,
  type CommandTable,
  type Flags,
  type FlagSpec,
  type FlagValue,
  type Values,
} from './spec.ts';

export interface Candidate {
  readonly text: string;
  readonly description?: string;
}

/** The scopes to offer, for a command line with these flags. */
export type KnownScopes = (flags: Flags) => Promise<readonly KeyScope[]>;

/** A command line as far as it was typed. */
interface Line {
  readonly table: CommandTable;
  readonly command: CommandSpec | undefined;
  readonly words: readonly string[];
  readonly flags: Flags;
  /** The flag whose value comes next. */
  readonly open: FlagSpec | undefined;
  /** Whether `--` was typed: no flag comes any more. */
  readonly flagsEnded: boolean;
}

/**
 * What may stand in the place of the last word. Not filtered by what that word is already: the shells do that, each
 * in its own way.
 * @param table what can be typed
 * @param words all words up to the cursor, the program's name first; the last one may be empty
 * @returns `files` where any file may be named
 */
export async function complete(
  table: CommandTable,
  words: readonly string[],
  knownScopes: KnownScopes,
): Promise<readonly Candidate[] | 'files'> {
  const current = words.at(-1) ?? '';
  const line = readLine(table, words.slice(1, -1));
  if (line.open !== undefined) {
    return candidatesOf(line.open.values, line, knownScopes);
  }
  if (line.flagsEnded && line.command?.rest !== undefined) {
    return 'files';
  }
  if (line.flagsEnded || !current.startsWith('-')) {
    const found = await completeWord(line, knownScopes);
    // Where nothing else is known, an empty word may become a flag.
    return found.length === 0 && current === '' && !line.flagsEnded ? unusedFlags(line) : found;
  }
  const equals = current.indexOf('=');
  if (equals === -1) {
    return unusedFlags(line);
  }
  const found = await candidatesOf(
    findFlag(current.slice(0, equals), line.command)?.values,
    line,
    knownScopes,
  );
  return found === 'files'
    ? found
    : found.map(({ text }) => ({ text: `${current.slice(0, equals + 1)}${text}` }));
}

function readLine(table: CommandTable, typed: readonly string[]): Line {
  const words: string[] = [];
  const flags = new Map<string, FlagValue>();
  let command: CommandSpec | undefined;
  let open: FlagSpec | undefined;
  let flagsEnded = false;
  for (const word of typed) {
    if (open !== undefined) {
      flags.set(nameOf(open), word);
      open = undefined;
    } else if (word === '--') {
      flagsEnded = true;
    } else if (flagsEnded || !word.startsWith('-')) {
      words.push(word);
      command ??= table.commands.find(
        ({ path }) => path.length === words.length && path.every((part, at) => part === words[at]),
      );
    } else {
      const [name = '', ...value] = word.split('=');
      const flag = findFlag(name, command);
      if (flag?.value !== undefined && value.length === 0) {
        open = flag;
      } else if (flag !== undefined) {
        flags.set(nameOf(flag), value.length === 0 ? true : value.join('='));
      }
    }
  }
  return { table, command, words, flags, open, flagsEnded };
}

function unusedFlags({ command, flags }: Line): readonly Candidate[] {
  const all: readonly FlagSpec[] = [
    ...(command?.flags ?? []),
    ...GLOBAL_FLAGS,
    ...Object.values(LIBRARY_FLAGS),
  ];
  return all
    .filter((flag) => flag.repeatable === true || !flags.has(nameOf(flag)))
    .map(({ long, description }) => ({ text: long, description }));
}

/** A word that is no flag: a part of a command's name, or its argument. */
async function completeWord(line: Line, knownScopes: KnownScopes): Promise<readonly Candidate[] | 'files'> {
  const { table, command, words } = line;
  if (command !== undefined) {
    return words.length > command.path.length
      ? []
      : candidatesOf(command.argument?.values, line, knownScopes);
  }
  const helpAt = words.indexOf(HELP_COMMAND.name);
  if (helpAt === 0) {
    const topics =
      words.length > 1 ? [] : TOPICS.map(({ name, description }) => ({ text: name, description }));
    return [...wordsBehind(table, words.slice(1)), ...topics];
  }
  if (helpAt > 0) {
    return wordsBehind(table, words.toSpliced(helpAt, 1));
  }
  const found = wordsBehind(table, words);
  return found.length === 0 ? found : [...found, helpCandidate()];
}

function helpCandidate(): Candidate {
  return { text: HELP_COMMAND.name, description: HELP_COMMAND.description };
}

/** The commands of a group, and the groups in it; of the program, when no words name one. */
function wordsBehind({ commands, groups }: CommandTable, group: readonly string[]): readonly Candidate[] {
  const isIn = (path: readonly string[]): boolean =>
    path.length === group.length + 1 && group.every((word, at) => word === path[at]);
  const inner = [...groups].map(([name, { description }]) => ({ path: name.split(' '), description }));
  return [
    ...commands.filter(({ path, hidden }) => isIn(path) && hidden !== true).map(describe),
    ...inner.filter(({ path }) => isIn(path)).map(describe),
  ];
}

function describe({
  path,
  description,
}: {
  readonly path: readonly string[];
  readonly description: string;
}): Candidate {
  return { text: path.at(-1) ?? '', description };
}

async function candidatesOf(
  values: Values | undefined,
  { flags }: Line,
  knownScopes: KnownScopes,
): Promise<readonly Candidate[] | 'files'> {
  switch (values) {
    case undefined:
      return [];
    case 'files':
      return 'files';
    case 'organizations': {
      const scopes = await knownScopes(flags);
      return distinct(scopes.flatMap((scope) => (scope.kind === 'global' ? [] : [scope.org])));
    }
    case 'repositories': {
      const org = valueOf(flags, 'org');
      const scopes = org === undefined ? [] : await knownScopes(flags);
      return distinct(
        scopes.flatMap((scope) => (scope.kind === 'repo' && scope.org === org ? [scope.repo] : [])),
      );
    }
    case 'org/repo': {
      const scopes = await knownScopes(flags);
      return distinct(
        scopes.flatMap((scope) => (scope.kind === 'repo' ? [`${scope.org}/${scope.repo}`] : [])),
      );
    }
    default:
      return values.map((text) => ({ text }));
  }
}

function distinct(names: readonly string[]): readonly Candidate[] {
  return [...new Set(names)].map((text) => ({ text }));
}
