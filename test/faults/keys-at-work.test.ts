import { describe, expect, inject, it } from 'vitest';

import { readIfExists, createTempHome, type TempHome } from '../support/temp-home.ts';
import { runMesa, type RunOptions, type RunResult } from '../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../support/stores.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { hitEach } from './support/hit-each.ts';
import { aimAtEach, KILL, traceFileCalls } from './support/strace.ts';

const KEY = 'mesa_at_work00000000009f2c';
const DOCUMENT = `${documentOf({ 'orgs/acme': KEY })}key-id = "key_at_work"\n`;
const FEWEST_POINTS = 20;

interface Handout {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Everything that is printed when there is no fault. */
  readonly whole: RegExp;
  /** What may be printed beside an error. */
  readonly beside: string;
}

const TOKEN = String.raw`eyJ[\w-]+\.[\w-]+\.[\w-]{43}`;
const HANDOUTS: Readonly<Record<string, Handout>> = {
  'git-credential get': {
    args: ['auth', 'git-credential', 'get'],
    stdin: 'protocol=https\nhost=api.mesa.dev\npath=acme/web.git\n\n',
    whole: new RegExp(`^username=t\npassword=${KEY}\n$`),
    beside: 'quit=1\n',
  },
  'git-credential --mint get': {
    args: ['auth', 'git-credential', '--mint', 'get'],
    stdin: 'protocol=https\nhost=api.mesa.dev\npath=acme/web.git\n\n',
    whole: new RegExp(`^username=t\npassword=${TOKEN}\npassword_expiry_utc=[0-9]+\n$`),
    beside: 'quit=1\n',
  },
  'mint-token': {
    args: ['auth', 'mint-token', '--repo', 'acme/web'],
    whole: new RegExp(`^${TOKEN}\n$`),
    beside: '',
  },
  exec: {
    args: ['auth', 'exec', '--org', 'acme', '--', 'printenv', 'MESA_API_KEY'],
    whole: new RegExp(`^${KEY}\n$`),
    beside: '',
  },
};

/** The whole of it or nothing is printed, the store stays as it is, and the next one is given out. */
async function judge(
  home: TempHome,
  { whole, beside }: Handout,
  { status, signal, stdout, stderr }: RunResult,
  again: () => Promise<RunResult>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const isWhole = whole.test(stdout);
  const wasKilled = signal !== null || status === 137;
  if (readIfExists(home.plaintext) !== DOCUMENT) {
    problems.push({ kind: 'damaged', text: 'the store was changed' });
  }
  if (!isWhole && stdout !== '' && stdout !== beside) {
    problems.push({ kind: 'damaged', text: `a part was printed: ${stdout}` });
  }
  if (!wasKilled && (status === 0) !== isWhole) {
    problems.push({ kind: 'silent', text: `exit ${status} with ${JSON.stringify(stdout)}` });
  }
  if (!wasKilled && !/^(?:mesa: (?!.*a bug).*\n(?:hint: .*\n)?)?$/.test(stderr)) {
    problems.push({ kind: 'unclear', text: stderr });
  }
  if (stderr.includes(KEY) || (status !== 0 && !wasKilled && stderr === '')) {
    problems.push({ kind: 'unclear', text: `exit ${status}: ${stderr}` });
  }
  const next = await again();
  if (next.status !== 0 || !whole.test(next.stdout)) {
    problems.push({ kind: 'damaged', text: `the next one fails: ${next.stderr}` });
  }
  return problems;
}

const prepare = (home: TempHome): void => writePlaintext(home, DOCUMENT);

const FAULTS = [KILL, 'error=EIO', 'error=EACCES', 'error=ENOSPC'];

describe.each(Object.entries(HANDOUTS))('%s', (name, handout) => {
  it('gives out the whole of it or nothing, whichever of its file-system calls meets a fault', async () => {
    const row = new FaultRow(`any fault at each call, ${name}`);
    const { args, stdin } = handout;
    const optionsIn = (home: TempHome): RunOptions => ({
      home,
      script: inject('quickMesa'),
      ...(stdin === undefined ? {} : { stdin }),
    });
    const home = createTempHome();
    prepare(home);
    const { result, calls } = await traceFileCalls(args, optionsIn(home));
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(handout.whole);
    // The child of exec is a program of its own.
    const aims = aimAtEach(calls, home.path).filter(({ byHelper }) => !byHelper);
    const points = FAULTS.flatMap((fault) => aims.map((aim) => ({ aim, fault: { fault } })));
    await hitEach(
      points,
      { argsIn: () => args, optionsIn, prepare },
      async ({ aim, fault: { fault } }, own, injected) => {
        const problems = await judge(own, handout, injected, () => runMesa(args, optionsIn(own)));
        row.point(`${fault} from ${aim.call.line.replaceAll(home.path, '~')}`, problems);
      },
    );
    row.close(FEWEST_POINTS);
  });
});
