import { runGit } from './run-git.ts';

/** One setting of `credential.helper` or `credential.<url>.helper`. */
export interface CredentialHelper {
  /** As git gives it: `file:/home/ada/.gitconfig`. */
  readonly origin: string;
  /** The setting's name: `credential.https://api.mesa.dev.helper`. */
  readonly name: string;
  readonly value: string;
}

/** Every credential helper that git knows in a directory, in its order; none without git. */
export async function listCredentialHelpers(input: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<readonly CredentialHelper[]> {
  const pattern = '^credential\\.(.*\\.)?helper$';
  const { stdout } = await runGit(['config', '--show-origin', '-z', '--get-regexp', pattern], input);
  // git-config(1), `-z`: the origin ends with a NUL, the name with a newline, the value with a NUL.
  const fields = stdout.split('\0');
  const helpers: CredentialHelper[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name = '', ...value] = (fields[at + 1] ?? '').split('\n');
    helpers.push({ origin: fields[at] ?? '', name, value: value.join('\n') });
  }
  return helpers;
}

/**
 * The words with which git starts a helper, up to the program itself: gitcredentials(7), "CUSTOM HELPERS".
 * @returns undefined when a shell has to say what they are
 */
export function helperWords(value: string): readonly string[] | undefined {
  const command = value.startsWith('!') ? value.slice(1) : value;
  const words: string[] = [];
  const word = /\s*(?:'([^']*)'|"([^"$`\\]*)"|([^\s'"$`\\;|&()<>]+))(?=\s|$)/y;
  for (let match = word.exec(command); match !== null; match = word.exec(command)) {
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  const [first, ...rest] = words;
  if (first === undefined) {
    return undefined;
  }
  return value.startsWith('!') || first.startsWith('/') ? words : [`git-credential-${first}`, ...rest];
}
