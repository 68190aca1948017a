import { reportError } from './cli/terminal/report-error.ts';
import { main } from './main.ts';
import { keepMemoryOutOfCores, silenceNode } from './platform/exposed-memory.ts';
import { endProcess, leaveTerminalsOnSignals, processHost } from './platform/process-host.ts';
import { Output } from './session/output.ts';

// First of all, before anything can go wrong with a key in memory: files are private whatever the caller's umask,
// the arguments disappear from the process list, and neither a core file nor a diagnostic of Node shows the memory.
process.umask(0o077);
process.title = 'mesa';
keepMemoryOutOfCores();
leaveTerminalsOnSignals();

const host = processHost();

// What fails outside the command itself, as in a stream's event, must not print a trace with values in it.
process.on('uncaughtException', (error) => {
  end(error);
});

try {
  silenceNode();
} catch (error) {
  end(error);
}

// Everything is written by now: what is written goes out at once. Ending here spares Node the tidying up.
void main(process.argv.slice(2), host).then((status) => endProcess(status));

function end(error: unknown): never {
  endProcess(reportError(error, new Output(host), host.env['MESA_DEBUG'] === '1'));
}
