import { shellWord } from '../../core/escape-text.ts';
import { isOrgSlug, isRepoName } from '../../core/key-scope.ts';
import { isShown } from '../../core/shown-text.ts';
import { meantCommand, type MeantCommand } from './meant-command.ts';
import { areShown, isHarmless, isKeyId } from './shown-words.ts';
import { mostSimilar } from './similar.ts';
import { findFlag, GLOBAL_FLAGS, type CommandSpec, type CommandTable, type FlagSpec } from './spec.ts';

export interface MendedLine {
  /** A command line that does what was meant, or shows the help about it. */
  readonly hint: string;
  /** The word that is no command, as typed; undefined when there is none. */
  readonly unknown: string | undefined;
  /** Whether the command line of another program was given without `--`. */
  readonly lacksDashes: boolean;
}

interface TypedFlag {
  /** As typed, without a value. */
  readonly name: string;
  readonly value: string | undefined;
}

interface LooseLine {
  readonly words: readonly string[];
  readonly flags: readonly TypedFlag[];
  /** What comes behind the words that were wanted. */
  readonly behind: readonly string[];
}

/** Flags of other programs. */
const OTHER_FLAGS: Readonly<Record<string, string>> = {
  '--organization': '--org',
  '--organisation': '--org',
  '--project': '--repo',
  '--repository': '--repo',
  '--force': '--yes',
  '-f': '--yes',
  '--config': '--config-path',
  '--config-file': '--config-path',
  '--permissions': '--scope',
  '--lifetime': '--ttl',
};

/**
 * What somebody meant who typed a command line that is none.
 * @param argv what was typed, up to `--` where the command takes what follows
 * @param rest what follows it
 */
export function mendLine(argv: readonly string[], rest: readonly string[], table: CommandTable): MendedLine {
  const line = readLoosely(argv, table);
  const meant = meantCommand(line.words, table);
  const { command, unknown } = meant;
  const told = { unknown, lacksDashes: false };
  if (command === undefined) {
    const isWhole = /^(?:help |--)/.test(meant.line);
    return { ...told, hint: `mesa ${isWhole ? meant.line : `${meant.line} --help`.trim()}` };
  }
  if (command.rest !== undefined && rest.length === 0 && meant.rest.length > 0) {
    const { flags, behind } = readLoosely(argv, table, line.words.length - meant.rest.length);
    const child = areShown(behind) ? behind.map(shellWord).join(' ') : '"$SHELL"';
    const before = flagWords(command, flags, []);
    const hint =
      before === undefined
        ? helpOf(command)
        : `${['mesa', ...command.path, ...before].join(' ')} -- ${child}`;
    return { ...told, hint, lacksDashes: true };
  }
  return { ...told, hint: mendedWords(command, meant, line.flags, rest) ?? helpOf(command) };
}

/** @returns undefined where nothing can be mended */
function mendedWords(
  command: CommandSpec,
  { unknown, rest: words }: MeantCommand,
  flags: readonly TypedFlag[],
  rest: readonly string[],
): string | undefined {
  const line = ['mesa', ...command.path].join(' ');
  const [typed] = flags.filter(({ name }) => mendFlag(command, name) === undefined && !isHarmless(name));
  if (typed !== undefined && command.argument !== undefined) {
    // A value that begins with a dash was taken for a flag.
    const known = flags.filter(({ name }) => mendFlag(command, name) !== undefined);
    const before = flagWords(command, known, []);
    const name =
      command.argument.name === 'key' ? 'TOKEN' : command.argument.name.toUpperCase().replaceAll('-', '_');
    return before === undefined ? undefined : `${[line, ...before].join(' ')} -- "$${name}"`;
  }
  const argument = argumentOf(command, words);
  const place = argument === undefined ? placeOf(command, words, flags) : [];
  const before = flagWords(command, flags, place);
  const isMended =
    unknown !== undefined ||
    words.length === 0 ||
    place.length > 0 ||
    (argument !== undefined && words.length > 1);
  if (before === undefined || !isMended || (argument === undefined && command.argument?.required === true)) {
    return undefined;
  }
  const more = argument === undefined ? [] : [shellWord(argument)];
  if (
    unknown !== undefined &&
    command.path.at(-1) === 'rm-key' &&
    before.length === 0 &&
    !/key/i.test(unknown)
  ) {
    // Whoever knows another program does not know that this removes the global key, if it is typed as it stands.
    before.push('--org', 'ORG');
  }
  const child = rest.length === 0 ? [] : ['--', ...(areShown(rest) ? rest.map(shellWord) : ['"$SHELL"'])];
  const ownRest = command.rest !== undefined && child.length === 0 ? ['--', '"$SHELL"'] : child;
  return [line, ...before, ...more, ...ownRest].join(' ');
}

/** The flags that name the scope which somebody gave as a word: `acme`, `acme/web`, or `web` beside `--org acme`. */
function placeOf(
  command: CommandSpec,
  words: readonly string[],
  flags: readonly TypedFlag[],
): readonly string[] {
  const given = new Set(flags.map(({ name }) => mendFlag(command, name)?.long));
  const [first = '', second] = words;
  const [org = '', repo = second, ...others] = first.split('/');
  const takes = (name: 'org' | 'repo'): boolean =>
    !given.has(`--${name}`) && findFlag(`--${name}`, command) !== undefined;
  if (!takes('org')) {
    return given.has('--org') && takes('repo') && isName(first) && isRepoName(first) ? ['--repo', first] : [];
  }
  if (others.length > 0 || !isName(org) || !isOrgSlug(org)) {
    return [];
  }
  const isRepo = takes('repo') && isName(repo) && isRepoName(repo);
  // The second word behind one that stores a key is the key.
  return isRepo && (first.includes('/') || command.argument === undefined)
    ? ['--org', org, '--repo', repo]
    : ['--org', org];
}

function isName(word: string | undefined): word is string {
  return word !== undefined && isShown(word);
}

/** The argument of a command, where it can be told from the words and may be repeated. */
function argumentOf({ argument }: CommandSpec, [word]: readonly string[]): string | undefined {
  if (argument === undefined || argument.name === 'key') {
    return undefined;
  }
  const { values } = argument;
  if (word === undefined) {
    return Array.isArray(values) ? values[0] : undefined;
  }
  const isKnown =
    values === undefined ? isKeyId(word) : values === 'files' ? isShown(word) : values.includes(word);
  return isKnown ? word : undefined;
}

/** Flags as they are typed, those of the scope first; undefined when one is unknown or may not be repeated. */
function flagWords(
  command: CommandSpec,
  flags: readonly TypedFlag[],
  place: readonly string[],
): string[] | undefined {
  const scope: string[] = [];
  const others: string[] = [];
  for (const { name, value } of flags) {
    const flag = mendFlag(command, name);
    if (flag === undefined || (flag.value !== undefined && (value === undefined || !isShown(value)))) {
      return undefined;
    }
    const words: string[] = [flag.long === name || flag.short === name ? name : flag.long];
    if (flag.value !== undefined && value !== undefined) {
      words.push(shellWord(value));
    }
    (flag.long === '--org' || flag.long === '--repo' ? scope : others).push(...words);
  }
  // The organization comes before its repository.
  const ordered = place[0] === '--repo' ? [...scope, ...place] : [...place, ...scope];
  return [...ordered, ...others];
}

function mendFlag(command: CommandSpec, name: string): FlagSpec | undefined {
  const known = findFlag(name, command) ?? findFlag(OTHER_FLAGS[name] ?? '', command);
  if (known !== undefined || !isHarmless(name) || !name.startsWith('--')) {
    return known;
  }
  return findFlag(
    mostSimilar(
      name,
      [...command.flags, ...GLOBAL_FLAGS].map(({ long }) => long),
    ) ?? '',
    command,
  );
}

/** Words and flags of a command line, whatever command it is of. @param most words that are wanted */
function readLoosely(argv: readonly string[], { commands }: CommandTable, most = Infinity): LooseLine {
  const words: string[] = [];
  const flags: TypedFlag[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--') {
      words.push(...argv.slice(index + 1));
      break;
    }
    if (!word.startsWith('-')) {
      if (words.length >= most) {
        return { words, flags, behind: argv.slice(index) };
      }
      words.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals === -1 ? word : word.slice(0, equals);
    const takesValue = commands.some((command) => mendFlag(command, name)?.value !== undefined);
    if (equals === -1 && takesValue) {
      index += 1;
    }
    flags.push({
      name,
      value: equals === -1 ? (takesValue ? argv[index] : undefined) : word.slice(equals + 1),
    });
  }
  return { words, flags, behind: [] };
}

function helpOf({ path }: CommandSpec): string {
  return `mesa ${path.join(' ')} --help`;
}
