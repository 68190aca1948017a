import { parseDuration } from '../../core/duration.ts';
import { parseKeyUses, type KeyUse } from '../../core/key-use.ts';
import { shownValue } from '../../core/shown-text.ts';
import { MesaAuthError } from '../../errors.ts';
import { checkPrivateDir } from '../../platform/private-dir.ts';
import { readAll, usePrivateFile, type Warn } from '../../platform/private-file.ts';
import type { Context } from '../../session/context.ts';
import { JSON_FLAG, valueOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'log'],
  description: 'show which keys were used, when, what for and by which program',
  examples: ['mesa auth log', 'mesa auth log --since 1d --json'],
  flags: [
    {
      long: '--since',
      value: 'time',
      description: 'of this length of time alone, up to now: 30m, 12h, 1d, 2w',
    },
    JSON_FLAG,
  ],
  run: (context, flags) => runLog(context, { since: valueOf(flags, 'since'), json: flags.has('json') }),
};

/** Of each of the two files. Twice what a log without a working lock comes to. */
const MOST_BYTES = 4 * 1024 * 1024;

interface LogOptions {
  /** `--since`, as given. */
  readonly since: string | undefined;
  readonly json: boolean;
}

/** `mesa auth log`: which keys were used, when, for what and by whom; the oldest first. */
async function runLog(
  context: Pick<Context, 'host' | 'loadConfig' | 'output' | 'paths'>,
  options: LogOptions,
): Promise<void> {
  const earliest = startOf(options.since, context.host.now());
  const { audit } = await context.loadConfig();
  const { paths, output } = context;
  const warn = (message: string): void => output.warn(message);
  const dir = { path: paths.dataDir, base: paths.dataBase };
  const files = checkPrivateDir(dir, warn) ? [paths.olderUseLog, paths.useLog] : [];
  const logs = files.map((path) => parseKeyUses(readEnd(path, warn)));
  const uses = logs.flatMap((log) =>
    log.uses.filter(({ time }) => earliest === undefined || time >= earliest),
  );
  const damaged = logs.reduce((sum, log) => sum + log.damaged, 0);
  if (options.json) {
    output.json({
      recording: audit,
      location: paths.useLog,
      damaged_lines: damaged,
      uses: uses.map(documentOf),
    });
  } else if (uses.length > 0) {
    output.table(['TIME', 'ACTION', 'FOR', 'KEY FROM', 'OUTCOME', 'BY'], uses.map(rowOf));
  }
  if (damaged > 0) {
    output.warn(`${damaged} ${damaged === 1 ? 'line' : 'lines'} of the log cannot be read`);
  }
  if (!options.json && uses.length === 0) {
    output.note(earliest === undefined ? 'no key was used yet' : 'no key was used since then');
  }
  if (!audit) {
    output.hint('nothing is recorded now: [secrets] audit = false in config.toml');
  }
}

/** The end of a log: what mesa itself wrote is shorter. Empty when there is none. @throws as usePrivateFile */
function readEnd(path: string, warn: Warn): string {
  const bytes = usePrivateFile(path, warn, 'tighten', (fd, { size }) => {
    if (size > MOST_BYTES) {
      warn(`${path} is larger than mesa makes it; only its end is shown`);
    }
    return readAll(fd, Math.min(size, MOST_BYTES), Math.max(0, size - MOST_BYTES));
  });
  return bytes?.toString('utf8') ?? '';
}

/** @throws USAGE */
function startOf(since: string | undefined, now: Date): Date | undefined {
  const length = since === undefined ? undefined : parseDuration(since);
  if (since !== undefined && length === undefined) {
    throw new MesaAuthError(
      'USAGE',
      `--since takes a length of time in w, d, h, m and s, not ${shownValue(since)}`,
      {
        hint: 'mesa auth log --since 1d',
      },
    );
  }
  return length === undefined ? undefined : new Date(now.getTime() - length);
}

function documentOf({ time, action, scope, source, outcome, program, pid }: KeyUse): Record<string, unknown> {
  return {
    time: time.toISOString(),
    action,
    scope,
    source: source ?? null,
    outcome: outcome.toLowerCase(),
    program: program ?? null,
    pid: pid ?? null,
  };
}

function rowOf({ time, action, scope, source, outcome, program, pid }: KeyUse): readonly string[] {
  const by = program === undefined ? '-' : pid === undefined ? program : `${program} (${pid})`;
  const shown = outcome.toLowerCase().replaceAll('_', ' ');
  return [time.toISOString().replace(/\.\d+Z$/, 'Z'), action, scope, source ?? '-', shown, by];
}
