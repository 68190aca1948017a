import type { Host } from '../../platform/host.ts';
import { AGENT_COMMAND } from '../../session/program.ts';
import { COMMANDS } from './table.ts';
import { parsePlainCommandLine, runPlainCommandLine } from './plain.ts';

/**
 * Runs any command line: a plain one by itself, every other one with the command-line library.
 * @returns the exit status
 * @throws MesaAuthError
 */
export async function runAnyCommand(argv: readonly string[], host: Host): Promise<number> {
  if (argv.length === 1 && argv[0] === AGENT_COMMAND) {
    const { runAgent } = await import('../../session/run-agent.ts');
    return runAgent(host);
  }
  const plain = parsePlainCommandLine(argv, COMMANDS);
  if (plain === undefined) {
    const { runProgram } = await import('./full.ts');
    return runProgram(argv, host);
  }
  return (await runPlainCommandLine(plain, host)) ?? 0;
}
