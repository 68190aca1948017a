import { writeBackend } from '../../../src/config/write-config.ts';
import type { Backend } from '../../../src/core/secret-store.ts';
import { withFileLock } from '../../../src/platform/file-lock.ts';
import { ensurePrivateDir } from '../../../src/platform/create-dirs.ts';
import type { RunResult } from '../../support/run-mesa.ts';
import type { TempHome } from '../../support/temp-home.ts';
import type { Problem } from './fault-row.ts';
import {
  keyLines,
  modeProblems,
  pathsOf,
  readBytes,
  readKeys,
  storeKeys,
  storePath,
  strayFiles,
} from './key-home.ts';

/** A store before a command, and what the command is to make of it. */
export interface StoreCase {
  readonly backend: Backend;
  readonly before: Buffer | undefined;
  readonly oldScopes: readonly string[];
  readonly newScopes: readonly string[];
}

const NEXT_SCOPE = 'orgs/next';

/**
 * What is wrong after a command that met a fault: the store must be the old one byte for byte or the new one,
 * success must mean the new one, and the next writer must find nothing in its way.
 */
export async function judgeStore(
  home: TempHome,
  { backend, before, oldScopes, newScopes }: StoreCase,
  result: RunResult,
): Promise<readonly Problem[]> {
  const path = storePath(home, backend);
  const problems: Problem[] = [...modeProblems(path)];
  let isNew = false;
  if (!sameBytes(readBytes(path), before)) {
    const found = await readKeys(home, backend).catch(() => ['unreadable']);
    isNew = sameLines(found, keyLines(newScopes));
    if (!isNew) {
      problems.push({ kind: 'damaged', text: `the store holds ${found.join(', ')}` });
    }
  }
  problems.push(...judgeReport(result, isNew));
  const expected = [...(isNew ? newScopes : oldScopes), NEXT_SCOPE];
  try {
    const store = await storeKeys(home, backend, [NEXT_SCOPE]);
    const found = await readKeys(home, backend);
    if (store.waited) {
      problems.push({ kind: 'damaged', text: 'the next writer waited for the lock' });
    }
    if (!sameLines(found, keyLines(expected))) {
      problems.push({ kind: 'damaged', text: `after the next writer the store holds ${found.join(', ')}` });
    }
  } catch (error) {
    problems.push({ kind: 'damaged', text: `the next writer failed: ${String(error)}` });
  }
  problems.push(...modeProblems(path), ...strays(path));
  return problems;
}

/** A config file before an edit and after it; `file` is where the content really lies. */
export interface ConfigCase {
  readonly file: string;
  readonly before: Buffer | undefined;
  readonly after: Buffer;
}

/** As judgeStore, for `mesa init -y`. */
export async function judgeConfig(
  home: TempHome,
  { file, before, after }: ConfigCase,
  result: RunResult,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [...modeProblems(file)];
  const found = readBytes(file);
  const isNew = sameBytes(found, after);
  if (!isNew && !sameBytes(found, before)) {
    problems.push({ kind: 'damaged', text: `the file holds ${String(found)}` });
  }
  problems.push(...judgeReport(result, isNew));
  const { dataDir, dataBase, lockFile } = pathsOf(home);
  let waited = false;
  const onWait = (): void => {
    waited = true;
  };
  // Once each way: one of the two is an edit, the other may find nothing to do.
  for (const backend of ['plaintext-file', 'encrypted-file'] as const) {
    try {
      ensurePrivateDir({ path: dataDir, base: dataBase }, () => undefined);
      await withFileLock({ path: lockFile, onWait }, () => {
        writeBackend(home.config, backend);
        return Promise.resolve();
      });
    } catch (error) {
      problems.push({ kind: 'damaged', text: `the next writer failed: ${String(error)}` });
    }
    problems.push(...strays(file), ...strays(home.config), ...strays(home.vault));
  }
  if (waited) {
    problems.push({ kind: 'damaged', text: 'the next writer waited for the lock' });
  }
  return [...problems, ...modeProblems(file)];
}

const SYNCS: ReadonlySet<string> = new Set(['fsync', 'fdatasync', 'sync_file_range', 'syncfs']);
const SUCCESS = /^(?:stored|replaced|removed|saved|changed|moved|copied|restored|backed up) /m;

/**
 * No success without durability: what could not be synced may be gone after a power loss, however new it looks now.
 * @param failed the system call that was given an error
 */
export function judgeDurability(failed: string, { status, stderr }: RunResult): readonly Problem[] {
  return SYNCS.has(failed) && (status === 0 || SUCCESS.test(stderr))
    ? [{ kind: 'silent', text: `${failed} failed, and success was reported: ${stderr}` }]
    : [];
}

/**
 * As judgeStore, for keys that move from a config file into a store: each is in one of the two, and a command that says
 * that it moved them did.
 */
export async function judgeMove(
  home: TempHome,
  config: ConfigCase,
  store: StoreCase,
  result: RunResult,
): Promise<readonly Problem[]> {
  const found = readBytes(config.file);
  const isTakenOut = sameBytes(found, config.after);
  const isStored = !sameBytes(readBytes(storePath(home, store.backend)), store.before);
  const problems: Problem[] = [];
  if (!isTakenOut && !sameBytes(found, config.before)) {
    problems.push({ kind: 'damaged', text: `the config holds ${String(found)}` });
  }
  if (isTakenOut && !isStored) {
    problems.push({ kind: 'damaged', text: 'keys are in neither of the two' });
  }
  if (result.status === 0 && !isTakenOut) {
    problems.push({ kind: 'silent', text: result.stderr });
  }
  problems.push(...modeProblems(config.file), ...(await judgeStore(home, store, result)));
  return problems;
}

export function judgeReport({ status, stdout, stderr }: RunResult, isNew: boolean): readonly Problem[] {
  const problems: Problem[] = [];
  const unclear = (text: string): void => {
    problems.push({ kind: 'unclear', text: `${text}: ${stderr}` });
  };
  if (status === 0 && !isNew) {
    problems.push({ kind: 'silent', text: stderr });
  }
  if (stderr.includes('a bug in mesa') || stderr.includes('\n    at ')) {
    unclear('called a bug');
  }
  if (isNew && stderr.includes('nothing was changed')) {
    unclear('untrue');
  }
  if (status !== 0 && status !== null && stderr === '') {
    unclear('no message');
  }
  if (`${stdout}${stderr}`.includes('mesa_key_of')) {
    unclear('a key was printed');
  }
  return problems;
}

export function strays(path: string): readonly Problem[] {
  return strayFiles(path).map((name) => ({ kind: 'stray', text: name }));
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

export function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join('\n') === b.toSorted().join('\n');
}
