import { FREQUENT_COMMANDS } from './cli/command-line/frequent-commands.ts';
import { Output } from './session/output.ts';
import { parsePlainCommandLine, runPlainCommandLine } from './cli/command-line/plain.ts';
import { reportError } from './cli/terminal/report-error.ts';
import { VERSION } from './session/program.ts';
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
    const frequent = parsePlainCommandLine(argv, FREQUENT_COMMANDS);
    if (frequent === undefined) {
      const { runAnyCommand } = await import('./cli/command-line/any-command.ts');
      return await runAnyCommand(argv, host);
    }
    return (await runPlainCommandLine(frequent, host)) ?? 0;
  } catch (error) {
    return reportError(error, new Output(host), host.env['MESA_DEBUG'] === '1');
  }
}
