import { parsePlainCommandLine, runPlainCommandLine, type CommandLine } from './cli/command-line/spec.ts';
import { findListed, FREQUENT, loadTable } from './cli/command-line/table.ts';
import { reportError } from './cli/terminal/report-error.ts';
import type { Host } from './platform/host.ts';
import { Output } from './session/output.ts';
import { AGENT_COMMAND, VERSION } from './session/program.ts';

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
      const { runAgent } = await import('./session/run-agent.ts');
      return await runAgent(host);
    }
    const plain = parsePlainCommandLine(argv, FREQUENT) ?? (await parseListed(argv));
    if (plain === undefined) {
      const { runProgram } = await import('./cli/command-line/full.ts');
      return await runProgram(argv, host);
    }
    return (await runPlainCommandLine(plain, host, loadTable)) ?? 0;
  } catch (error) {
    return reportError(error, new Output(host), host.env['MESA_DEBUG'] === '1');
  }
}

/** A plain command line of any command, of which no other one is loaded. */
async function parseListed(argv: readonly string[]): Promise<CommandLine | undefined> {
  const listed = findListed(argv);
  return listed === undefined ? undefined : parsePlainCommandLine(argv, [(await listed.load()).command]);
}
