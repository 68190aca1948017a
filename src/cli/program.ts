import { Command, CommanderError, Option } from 'commander';

import { BACKENDS } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Host } from '../platform/host.ts';
import { runGetKey } from './commands/get-key.ts';
import { runInit } from './commands/init.ts';
import { runList } from './commands/list.ts';
import { runRmKey } from './commands/rm-key.ts';
import { runSetKey } from './commands/set-key.ts';
import { Context, type GlobalOptions } from './context.ts';
import { Output } from './output.ts';
import { VERSION } from './version.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** Parses the command line and runs the command. @throws MesaAuthError; USAGE for a command line that is none */
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
  const [group] = program.args;
  if (group !== undefined) {
    program.commands.find((command) => command.name() === group)?.outputHelp();
    return;
  }
  const context = new Context(host, globalOptions(program));
  const { file } = await context.loadConfig();
  if (file === undefined && context.canOnboard) {
    const { onboard } = await import('./onboard.ts');
    await onboard(context, context.paths.configFiles[0], undefined);
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
    .option('-c, --config-path <path>', 'use this config.toml instead of searching for one')
    .option('-y, --non-interactive', 'never ask; take the defaults')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride();
  // What goes wrong is reported once, in our words; help is data.
  program.configureOutput({
    writeOut: (help) => new Output(host).data(help),
    writeErr: () => undefined,
    outputError: () => undefined,
  });

  const contextOf = (command: Command): Context => new Context(host, globalOptions(command));

  program
    .command('init')
    .description('choose where keys are kept, and store the first ones')
    .addOption(new Option('--backend <backend>', `${BACKENDS.join(' or ')}; asked for when absent`))
    .addHelpText('after', examples('mesa init', 'mesa init -y --backend plaintext-file'))
    .action((flags: Flags, command: Command) =>
      runInit(contextOf(command), { backend: text(flags['backend']) }),
    );

  const auth = program.command('auth').description('store, list, remove and look up keys');

  withScope(auth.command('set-key'))
    .description('store or replace the key of a scope')
    .argument('[key]', 'the key; better: give it on standard input')
    .addHelpText(
      'after',
      examples(
        'printf %s "$TOKEN" | mesa auth set-key',
        'printf %s "$TOKEN" | mesa auth set-key --org acme',
        'printf %s "$TOKEN" | mesa auth set-key --org acme --repo web',
      ),
    )
    .action((key: string | undefined, flags: Flags, command: Command) =>
      runSetKey(contextOf(command), { key, ...scopeOptions(flags) }),
    );

  auth
    .command('list')
    .description('show every scope with its masked key')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('mesa auth list', 'mesa auth list --json'))
    .action((flags: Flags, command: Command) =>
      runList(contextOf(command), { json: flags['json'] === true }),
    );

  withScope(auth.command('rm-key'))
    .description('remove the key of a scope')
    .addHelpText('after', examples('mesa auth rm-key --org acme', 'mesa auth rm-key --org acme --repo web'))
    .action((flags: Flags, command: Command) => runRmKey(contextOf(command), scopeOptions(flags)));

  withScope(auth.command('get-key'))
    .description('print the key that the lookup finds: repository, then organization, then global')
    .option('--explain', 'print instead every candidate and why it won or lost, masked')
    .option('--json', 'print instead one JSON document about it, without the key')
    .addHelpText(
      'after',
      examples('mesa auth get-key --org acme', 'mesa auth get-key --org acme --repo web --explain'),
    )
    .action((flags: Flags, command: Command) =>
      runGetKey(contextOf(command), {
        ...scopeOptions(flags),
        explain: flags['explain'] === true,
        json: flags['json'] === true,
      }),
    );

  return program;
}

function withScope(command: Command): Command {
  return command
    .option('--org <organization>', 'the organization; without it the global scope')
    .option('--repo <repository>', 'a repository of that organization');
}

function globalOptions(command: Command): GlobalOptions {
  const flags: Flags = command.optsWithGlobals();
  return { configPath: text(flags['configPath']), nonInteractive: flags['nonInteractive'] === true };
}

function scopeOptions(flags: Flags): { org: string | undefined; repo: string | undefined } {
  return { org: text(flags['org']), repo: text(flags['repo']) };
}

function text(flag: string | boolean | undefined): string | undefined {
  return typeof flag === 'string' ? flag : undefined;
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/**
 * The library's text in our form. It quotes the offending word, which may be a key that somebody put in the wrong
 * place, so a word is repeated only when it looks like a flag or a command.
 */
function usageError(error: CommanderError): MesaAuthError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const message = first.replace(/'([^']*)'/g, (quoted, word: string) =>
    /^(?:-{0,2}[a-z][a-z-]{0,23}|-[a-zA-Z], --[a-z-]+ <[a-z]+>|--[a-z-]+ <[a-z]+>)$/.test(word)
      ? quoted
      : '(not shown)',
  );
  const suggestion = /Did you mean (.+)\?\)?$/.exec(rest.join(' '))?.[1];
  return new MesaAuthError('USAGE', message, {
    hint: suggestion === undefined ? 'mesa --help' : `did you mean ${suggestion}?`,
  });
}
