import { main } from '../../../src/main.ts';
import { endProcess, leaveTerminalsOnSignals, processHost } from '../../../src/platform/process-host.ts';
import { WORK_FACTOR } from './work-factor.ts';

// The program as it is, but for the cost of a vault: hundreds of faults would otherwise take a second each.
process.umask(0o077);
leaveTerminalsOnSignals();
void main(process.argv.slice(2), { ...processHost(), workFactor: WORK_FACTOR }).then(endProcess);
