import { runGetKey } from './cli/commands/get-key.ts';
import { Context } from './cli/context.ts';
import { matchFastPath } from './cli/fast-path.ts';
import { Output } from './cli/output.ts';
import { reportError } from './cli/report-error.ts';
import type { Host } from './platform/host.ts';

/**
 * Runs one command line.
 * @param argv the arguments after the program's name
 * @returns the exit status (spec section 9); never throws
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  try {
    const fast = matchFastPath(argv);
    if (fast === undefined) {
      const { runProgram } = await import('./cli/program.ts');
      await runProgram(argv, host);
    } else {
      await runGetKey(new Context(host, fast.globals), fast.options);
    }
    return 0;
  } catch (error) {
    return reportError(error, new Output(host), host.env['MESA_DEBUG'] === '1');
  }
}
