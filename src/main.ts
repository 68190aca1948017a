import { globalOptions } from './cli/command-spec.ts';
import { AGENT_COMMAND } from './agent/agent-command.ts';
import { Context } from './cli/context.ts';
import { FREQUENT_COMMANDS } from './cli/frequent-commands.ts';
import { Output } from './cli/output.ts';
import { parsePlainCommandLine, type CommandLine } from './cli/plain-command-line.ts';
import { reportError } from './cli/report-error.ts';
import { VERSION } from './cli/version.ts';
import type { Host } from './platform/host.ts';

/**
 * Runs one command line.
 * @param argv the arguments after the program's name
 * @returns the exit status (spec section 9); never throws
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  try {
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
      new Output(host).data(`${VERSION}\n`);
      return 0;
    }
    if (argv.length === 1 && argv[0] === AGENT_COMMAND) {
      const { runAgent } = await import('./cli/run-agent.ts');
      return await runAgent(host);
    }
    const plain = parsePlainCommandLine(argv, FREQUENT_COMMANDS) ?? (await parseAnyPlain(argv));
    if (plain === undefined) {
      const { runProgram } = await import('./cli/program.ts');
      await runProgram(argv, host);
    } else {
      const { command, flags, argument } = plain;
      await command.run(new Context(host, globalOptions(flags)), flags, argument);
    }
    return 0;
  } catch (error) {
    return reportError(error, new Output(host), host.env['MESA_DEBUG'] === '1');
  }
}

async function parseAnyPlain(argv: readonly string[]): Promise<CommandLine | undefined> {
  const { COMMANDS } = await import('./cli/command-table.ts');
  return parsePlainCommandLine(argv, COMMANDS);
}
