import { inOurWords, isNoun } from './other-words.ts';
import { mostSimilar } from './similar.ts';
import type { CommandSpec, CommandTable } from './spec.ts';

/** What the words of a command line mean, as far as that can be told. */
export interface MeantCommand {
  /** What to type behind `mesa`: the words of a command or a group, or a flag; empty for the program. */
  readonly line: string;
  /** Undefined where that is no command. */
  readonly command: CommandSpec | undefined;
  /** The first word that names nothing, as typed; undefined when all of them do. */
  readonly unknown: string | undefined;
  /** Words behind the command. */
  readonly rest: readonly string[];
}

/** The command that is named, or was meant, by words that name none: mistyped, in another group, or another program's. */
export function meantCommand(words: readonly string[], table: CommandTable): MeantCommand {
  let group = '';
  let next = 0;
  for (; next < words.length; next += 1) {
    const line = join(group, words[next] ?? '');
    const command = commandOf(line, table);
    if (command !== undefined) {
      return { line, command, unknown: undefined, rest: words.slice(next + 1) };
    }
    if (!table.groups.has(line)) {
      break;
    }
    group = line;
  }
  const [unknown] = words.slice(next);
  let line = group;
  for (let mayGuess = true; next < words.length; next += 1) {
    const word = (words[next] ?? '').toLowerCase().replaceAll('_', '-');
    const found = meaningOf(word, group, table) ?? (mayGuess ? guess(word, group, table) : undefined);
    if (found === undefined) {
      break;
    }
    line = found;
    if (table.groups.has(line)) {
      group = line;
    } else if (isNoun(word)) {
      mayGuess = false;
    } else {
      next += 1;
      break;
    }
  }
  return { line, command: commandOf(line, table), unknown, rest: words.slice(next) };
}

/** What a word means without a doubt: a command of this group, of any, or what another program calls one. */
function meaningOf(word: string, group: string, table: CommandTable): string | undefined {
  const here = join(group, word);
  if (commandOf(here, table) !== undefined || table.groups.has(here)) {
    return here;
  }
  const theirs = inOurWords(word, group);
  // A topic is of the program alone.
  const ours = group !== '' && theirs?.startsWith('help ') === true ? undefined : theirs;
  return group.includes(' ') && ours !== undefined ? ours : (lineOf(word, table) ?? ours);
}

/** A command or a group by its last word, the first one of the help. */
export function lineOf(word: string, table: CommandTable): string | undefined {
  return linesOf(table).find((line) => lastWord(line) === word);
}

/** The lines of a group come before others, so that they are chosen of equals. */
function guess(word: string, group: string, table: CommandTable): string | undefined {
  const isIn = (line: string): boolean => line === join(group, lastWord(line));
  const lines = linesOf(table).toSorted((a, b) => Number(isIn(b)) - Number(isIn(a)));
  const similar = mostSimilar(word, lines.map(lastWord));
  return similar === undefined ? undefined : lines.find((line) => lastWord(line) === similar);
}

function linesOf({ commands, groups }: CommandTable): readonly string[] {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  return [...shown.map(({ path }) => path.join(' ')), ...groups.keys()];
}

function commandOf(line: string, { commands }: CommandTable): CommandSpec | undefined {
  return commands.find(({ path }) => path.join(' ') === line);
}

function lastWord(line: string): string {
  return line.slice(line.lastIndexOf(' ') + 1);
}

function join(group: string, word: string): string {
  return group === '' ? word : `${group} ${word}`;
}
