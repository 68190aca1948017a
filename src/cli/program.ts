import { Command, CommanderError } from 'commander';

import { MesaAuthError } from '../errors.ts';
import type { Host } from '../platform/host.ts';
import {
  GLOBAL_FLAGS,
  globalOptions,
  nameOf,
  type CommandSpec,
  type Flags,
  type FlagSpec,
} from './command-spec.ts';
import { COMMANDS, GROUPS } from './command-table.ts';
import { Context } from './context.ts';
import { Output } from './output.ts';
import { VERSION } from './version.ts';

/** Parses any command line and runs the command. @throws MesaAuthError; USAGE for a command line that is none */
export async function runProgram(argv: readonly string[], host: Host): Promise<void> {
  const program = buildProgram(host);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      throw error;
    }
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      await runBare(program, host);
    } else if (error.exitCode !== 0) {
      throw usageError(error);
    }
  }
}

/** A command line that names no command, or only a group: help is the answer, not a mistake; see git, gh. */
async function runBare(program: Command, host: Host): Promise<void> {
  const [group, ...rest] = program.args;
  const unknown = rest.find((word) => word !== 'help');
  if (unknown !== undefined) {
    // `mesa help <word>` for a word that is no command.
    throw new MesaAuthError(
      'USAGE',
      `unknown command ${isHarmless(unknown) ? `'${unknown}'` : '(not shown)'}`,
      { hint: 'mesa --help' },
    );
  }
  if (group !== undefined) {
    (program.commands.find((command) => command.name() === group) ?? program).outputHelp();
    return;
  }
  const context = new Context(host, globalOptions(givenFlags(program, [])));
  const { file } = await context.loadConfig();
  if (file === undefined && context.canOnboard) {
    const { onboard } = await import('./onboard.ts');
    await onboard(context, { configFile: context.paths.configFiles[0] });
  } else {
    program.outputHelp();
  }
}

function buildProgram(host: Host): Command {
  const program = new Command('mesa')
    .description('Keeps API keys for Mesa and hands out the right one.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride();
  // What goes wrong is reported once, in our words; help is data.
  program.configureOutput({
    writeOut: (help) => new Output(host).data(help),
    writeErr: () => undefined,
    outputError: () => undefined,
  });
  GLOBAL_FLAGS.forEach((flag) => addFlag(program, flag));
  const groups = new Map<string, Command>();
  for (const [name, description] of GROUPS) {
    groups.set(name, program.command(name).description(description));
  }
  for (const spec of COMMANDS) {
    const [first, second] = spec.path;
    const parent = second === undefined ? program : (groups.get(first) ?? program);
    addCommand(parent.command(second ?? first), spec, host);
  }
  return program;
}

function addCommand(command: Command, spec: CommandSpec, host: Host): void {
  command
    .description(spec.description)
    .addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}\n`).join('')}`);
  spec.flags.forEach((flag) => addFlag(command, flag));
  if (spec.argument !== undefined) {
    command.argument(`[${spec.argument.name}]`, spec.argument.description);
  }
  command.action(() => {
    const flags = givenFlags(command, spec.flags);
    return spec.run(new Context(host, globalOptions(flags)), flags, command.args[0]);
  });
}

function addFlag(command: Command, { long, short, value, description }: FlagSpec): void {
  const names = short === undefined ? long : `${short}, ${long}`;
  command.option(value === undefined ? names : `${names} <${value}>`, description);
}

function givenFlags(command: Command, own: readonly FlagSpec[]): Flags {
  const options: Readonly<Record<string, unknown>> = command.optsWithGlobals();
  const given = new Map<string, string | true>();
  for (const flag of [...GLOBAL_FLAGS, ...own]) {
    const value = options[camelCase(nameOf(flag))];
    if (typeof value === 'string' || value === true) {
      given.set(nameOf(flag), value);
    }
  }
  return given;
}

/** The library's name of an option: `config-path` is `configPath`. */
function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The library's text in our form. It quotes the offending word, which may be a key that somebody put in the wrong
 * place, so a word is repeated only when it looks like a flag or a command.
 */
function usageError(error: CommanderError): MesaAuthError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const message = first
    .replace(/'([^']*)'/g, (quoted, word: string) => (isHarmless(word) ? quoted : '(not shown)'))
    .replace(/\.$/, '');
  const suggestion = /Did you mean (.+)\?\)?$/.exec(rest.join(' '))?.[1];
  return new MesaAuthError('USAGE', message, {
    hint: suggestion === undefined ? 'mesa --help' : `did you mean ${suggestion}?`,
  });
}

function isHarmless(word: string): boolean {
  return /^(?:-[a-zA-Z]|(?:--)?[a-z][a-z-]{0,23}|(?:-[a-zA-Z], )?--[a-z-]+ <[a-z]+>)$/.test(word);
}
