import { Command, CommanderError } from 'commander';

import { MesaAuthError } from '../../errors.ts';
import type { Host } from '../../platform/host.ts';
import { configure } from '../../session/context.ts';
import { Output } from '../../session/output.ts';
import { VERSION } from '../../session/program.ts';
import { HELP_COMMAND, LIBRARY_FLAGS, TOPICS, type Topic } from './help-topics.ts';
import {
  actionOf,
  contextOf,
  endingWithTerminal,
  GLOBAL_FLAGS,
  nameOf,
  type CommandSpec,
  type CommandTable,
  type Flags,
  type FlagSpec,
  type FlagValue,
  withValue,
} from './spec.ts';
import { loadTable, PROGRAM_EXAMPLES, wordsOf } from './table.ts';

/** Of help in a pipe. */
const DEFAULT_WIDTH = 80;

/** One command line on its way. */
interface Invocation {
  readonly host: Host;
  readonly table: CommandTable;
  /** What follows `--`, for a command that takes that. */
  readonly rest: readonly string[];
  /** What the command gave. */
  status: number;
}

/**
 * Parses any command line and runs the command.
 * @returns the exit status
 * @throws MesaAuthError; USAGE for a command line that is none
 */
export async function runProgram(argv: readonly string[], host: Host): Promise<number> {
  const table = await loadTable();
  const { own, rest } = splitRest(argv, table);
  const invocation: Invocation = { host, table, rest, status: 0 };
  const program = buildProgram(invocation);
  try {
    await program.parseAsync([...own], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      throw error;
    }
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      await runBare(program, host);
    } else if (error.exitCode !== 0) {
      const { usageError } = await import('./usage-error.ts');
      throw usageError(error, own, rest, table);
    }
  }
  return invocation.status;
}

/** Takes off what is another program's command line: the library would take its flags for ours. */
function splitRest(
  argv: readonly string[],
  { commands }: CommandTable,
): { own: readonly string[]; rest: readonly string[] } {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const takesRest = commands.some(
    ({ path, rest }) => rest !== undefined && path.every((word) => own.includes(word)),
  );
  return takesRest ? { own, rest: end === -1 ? [] : argv.slice(end + 1) } : { own: argv, rest: [] };
}

/** A command line that names no command, or only a group: help is the answer, not a mistake; see git, gh. */
async function runBare(program: Command, host: Host): Promise<void> {
  if (program.args.length > 0) {
    findNamed(program, program.args).outputHelp();
    return;
  }
  const context = contextOf(host, givenFlags(program, []));
  const isFirstRun = (await context.loadConfig()).file === undefined && context.canOnboard;
  const isWizard = isFirstRun && context.storeThere === undefined;
  if (isFirstRun) {
    await configure(context);
  }
  if (!isWizard) {
    program.outputHelp();
  }
}

function buildProgram(invocation: Invocation): Command {
  const { host, table } = invocation;
  const { help, version } = LIBRARY_FLAGS;
  const program = new Command('mesa')
    .description('Keeps API keys for Mesa and hands out the right one.')
    .version(VERSION, namesOf(version), version.description)
    .helpOption(namesOf(help), help.description)
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20 })
    .showSuggestionAfterError(true)
    .exitOverride();
  // What goes wrong is reported once, in our words; help is data.
  program.configureOutput({
    writeOut: (text) => new Output(host).data(text),
    writeErr: () => undefined,
    outputError: () => undefined,
    getOutHelpWidth: () => host.stdout.columns ?? DEFAULT_WIDTH,
  });
  GLOBAL_FLAGS.forEach((flag) => addFlag(program, flag));
  const groups = new Map<string, Command>();
  const parentOf = (words: readonly string[]): Command => groups.get(words.slice(0, -1).join(' ')) ?? program;
  // A group may be in another one, which comes before it.
  for (const [name, { description, examples }] of table.groups) {
    const words = name.split(' ');
    const group = parentOf(words).command(words.at(-1) ?? name);
    groups.set(name, addExamples(group.description(description), examples));
  }
  for (const spec of table.commands) {
    const [name] = spec.path.slice(-1);
    addCommand(parentOf(spec.path).command(name ?? '', { hidden: spec.hidden === true }), spec, invocation);
  }
  for (const [name, group] of [['', program] as const, ...groups]) {
    const before = name === '' ? [] : name.split(' ');
    addHelpCommand(group, (words) => showHelp(program, [...before, ...words], invocation));
  }
  addExamples(program, PROGRAM_EXAMPLES);
  return program.addHelpText('after', ({ command }) =>
    command === program ? `\n${topicList(command)}` : '',
  );
}

function addCommand(command: Command, spec: CommandSpec, invocation: Invocation): void {
  addExamples(command.description(spec.description), spec.examples);
  spec.flags.forEach((flag) => addFlag(command, flag));
  if (spec.argument !== undefined) {
    const { name, description, required } = spec.argument;
    // Never required of the library: the command says better what is missing.
    const more = spec.more === undefined ? '' : ` <${spec.more.name}...>`;
    command
      .argument(`[${name}]`, description)
      .usage(`[options] ${required === true ? `<${name}>` : `[${name}]`}${more}`);
  }
  if (spec.more !== undefined) {
    command.argument(`[${spec.more.name}...]`, spec.more.description);
  }
  if (spec.rest !== undefined) {
    command.usage(`[options] -- ${spec.rest.usage}`);
  }
  command.action(async () => {
    const flags = givenFlags(command, spec.flags);
    const [argument, ...more] = command.args;
    const rest = spec.more === undefined ? invocation.rest : more;
    const context = contextOf(invocation.host, flags, actionOf(spec));
    const run = () => spec.run(context, flags, argument, rest, loadTable);
    invocation.status = (await endingWithTerminal(context, run)) ?? 0;
  });
}

function addHelpCommand(parent: Command, show: (words: readonly string[]) => Promise<void>): void {
  const { name, argument, description, examples } = HELP_COMMAND;
  const command = addExamples(parent.command(name).description(description), examples);
  command.argument(argument, 'the command, in full, or the topic').action(() => show(command.args));
}

/** `mesa help <words>`. @throws USAGE when they name nothing */
async function showHelp(
  program: Command,
  words: readonly string[],
  { host, table }: Invocation,
): Promise<void> {
  const topic = words.length === 1 ? TOPICS.find(({ name }) => name === words[0]) : undefined;
  if (topic !== undefined) {
    new Output(host).data(`${formatRows(program, await topic.rows())}\n`);
    return;
  }
  const [first] = words;
  if (TOPICS.some(({ name }) => name === first)) {
    throw new MesaAuthError('USAGE', `'${first}' is a topic; no other word comes behind it`, {
      hint: `mesa help ${first}`,
    });
  }
  const { lineOf, meantCommand } = await import('./meant-command.ts');
  const named = words.filter((word) => word !== HELP_COMMAND.name);
  let command = program;
  for (const word of named) {
    // A command is also found by its last word alone.
    const line = command.commands.length === 0 ? undefined : lineOf(word, table);
    const next =
      findCommand(command, word) ?? (line === undefined ? undefined : findNamed(program, line.split(' ')));
    if (next === undefined) {
      const { unknownCommand } = await import('./usage-error.ts');
      const meant = meantCommand(named, table).line;
      throw new MesaAuthError('USAGE', unknownCommand(word), {
        hint: `mesa ${/^(?:help|--)/.test(meant) ? meant : `${meant} --help`.trim()}`,
      });
    }
    command = next;
  }
  command.outputHelp();
}

function findCommand(parent: Command, name: string): Command | undefined {
  return parent.commands.find((command) => command.name() === name);
}

function addExamples(command: Command, examples: readonly string[]): Command {
  return examples.length === 0
    ? command
    : command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
}

function topicList(program: Command): string {
  return `More help:\n${formatRows(
    program,
    TOPICS.map(({ name, description }) => [`mesa help ${name}`, description]),
  )}`;
}

/** Two columns, the second wrapped at the width of the terminal. */
function formatRows(program: Command, rows: Awaited<ReturnType<Topic['rows']>>): string {
  const help = program.createHelp();
  help.prepareContext({ helpWidth: program.configureOutput().getOutHelpWidth?.() ?? DEFAULT_WIDTH });
  const width = Math.max(...rows.map(([term]) => term.length));
  return rows.map(([term, text]) => help.formatItem(term, width, text, help)).join('\n');
}

function addFlag(command: Command, flag: FlagSpec): void {
  const { value, description } = flag;
  const names = value === undefined ? namesOf(flag) : `${namesOf(flag)} <${value}>`;
  if (flag.repeatable === true) {
    command.option(names, description, (given: string, before?: FlagValue) => withValue(flag, before, given));
  } else if (value !== undefined) {
    command.option(names, description, (given: string, before?: FlagValue) => {
      if (before !== undefined) {
        // Which one is meant, nobody knows.
        throw new MesaAuthError('USAGE', `${flag.long} was given twice, and one is meant`, {
          hint: helpOf(command),
        });
      }
      return given;
    });
  } else {
    command.option(names, description);
  }
}

function namesOf({ long, short }: FlagSpec): string {
  return short === undefined ? long : `${short}, ${long}`;
}

function givenFlags(command: Command, own: readonly FlagSpec[]): Flags {
  const options: Readonly<Record<string, unknown>> = command.optsWithGlobals();
  const given = new Map<string, FlagValue>();
  for (const flag of [...GLOBAL_FLAGS, ...own]) {
    const value = options[camelCase(nameOf(flag))];
    if (typeof value === 'string' || value === true || Array.isArray(value)) {
      given.set(nameOf(flag), value as FlagValue);
    }
  }
  return given;
}

/** The library's name of an option: `config-path` is `configPath`. */
function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The command or group that a command line names, or the program, as far as its words are known. */
function findNamed(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of wordsOf(argv)) {
    const next = findCommand(command, word);
    if (next === undefined) {
      break;
    }
    command = next;
  }
  return command;
}

/** The command line that shows a command's help. */
function helpOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) {
    names.unshift(at.name());
  }
  return `${names.join(' ')} --help`;
}
