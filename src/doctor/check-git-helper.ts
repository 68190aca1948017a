import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';

import { quoteText, shellWord } from '../core/escape-text.ts';
import { helperWords, listCredentialHelpers, type CredentialHelper } from '../git/credential-helpers.ts';
import type { Finding } from './finding.ts';
import type { Examined } from './examined.ts';

const OURS = /^(?:mesa(?:\.c?js)?|git-credential-mesa)$/;

/** Git credential helpers that name a mesa which is not there. Nothing that the settings name is run. */
export async function checkGitHelper({
  env,
  cwd,
  paths,
}: Pick<Examined, 'env' | 'cwd' | 'paths'>): Promise<readonly Finding[]> {
  const helpers = await listCredentialHelpers({ env, cwd: cwd ?? '/' });
  const findings: Finding[] = [];
  for (const helper of helpers) {
    const missing = missingPart(helperWords(helper.value) ?? [], env['PATH'] ?? '', paths.home);
    if (missing !== undefined) {
      findings.push({
        check: 'git_helper',
        severity: 'warning',
        what: `git's credential helper ${quoteText(helper.value)} needs ${quoteText(missing)}, which is not there or cannot be run`,
        why: 'git gets no key from mesa, and asks for a password',
        mend: unsetCommand(helper),
      });
    }
  }
  return findings;
}

/** The first of a helper's words that should be a program or script of ours, or runs one, and is none. */
function missingPart(words: readonly string[], path: string, home: string): string | undefined {
  const ours = words.slice(0, 2).findIndex((word) => OURS.test(basename(word)));
  return words
    .slice(0, ours + 1)
    .find((word, index) => !isThere(word.replace(/^~(?=\/)/, home), index === 0, path));
}

function isThere(word: string, mustRun: boolean, path: string): boolean {
  const places = word.includes('/') ? [word] : path.split(delimiter).map((dir) => join(dir, word));
  return places.filter(isAbsolute).some((place) => {
    try {
      accessSync(place, mustRun ? constants.X_OK : constants.R_OK);
      return statSync(place).isFile();
    } catch {
      return false;
    }
  });
}

function unsetCommand({ origin, name, value }: CredentialHelper): string {
  const file = origin.startsWith('file:') ? ` --file ${shellWord(origin.slice('file:'.length))}` : '';
  return `git config${file} --fixed-value --unset-all ${shellWord(name)} ${shellWord(value)}`;
}
