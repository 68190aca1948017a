import { isOrgSlug, isRepoName, parseStoreKey, scopeFlags, type KeyScope } from '../../core/key-scope.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import type { Context } from '../../session/context.ts';

export interface Argument {
  /** `--org`, as given. */
  readonly org: string | undefined;
  /** Whether the argument was said to be a key. */
  readonly yes: boolean;
}

/**
 * A key as an argument is looked at twice: `set-key acme` is what somebody types who means the organization. On a terminal
 * that is asked; elsewhere the key is stored, since tokens are opaque, and there is a warning.
 * @throws USAGE when there is a second key on standard input, or the answer is no; INTERRUPTED
 */
export async function assertArgumentMeant(
  context: Pick<Context, 'host' | 'output' | 'prompter'>,
  token: Token,
  { org, yes }: Argument,
): Promise<void> {
  const { stdin } = context.host;
  const named = org === undefined ? scopeNamedBy(token) : undefined;
  const line = `printf %s "$TOKEN" | mesa auth set-key${named === undefined ? '' : scopeFlags(named)}`;
  if (!stdin.isTerminal && (await stdin.hasData?.()) === true) {
    throw new MesaAuthError('USAGE', 'there is a key as an argument, and something on standard input, too', {
      hint: org === undefined ? line : `${line} --org ${org}`,
    });
  }
  if (yes || named === undefined) {
    return;
  }
  const what = `'${token.reveal()}' looks like a name, not like a key`;
  const prompter = await context.prompter();
  if (prompter === undefined) {
    context.output.warn(what);
    context.output.hint(line);
  } else if (!(await prompter.confirm(`${what}. Store it as the global key all the same?`, false))) {
    throw new MesaAuthError('USAGE', `${what}; nothing was stored`, { hint: line });
  }
}

const LONGEST_NAME = 32;
// As people name things, so that a short token, which may not be shown, is not taken for a name.
const NAME_PART = /^\d{0,4}(?:[a-z]*|[A-Z]*|(?:[A-Z][a-z]+){1,3})\d{0,4}$/;

/** The scope that a key names which is none: `acme`, `acme/web`, `orgs/acme`; undefined for what may be a token. */
function scopeNamedBy(token: Token): KeyScope | undefined {
  const value = token.reveal();
  if (token.isApiKey || value.startsWith('eyJ') || value.length > LONGEST_NAME) {
    return undefined;
  }
  const spelt = parseStoreKey(value);
  if (spelt !== undefined) {
    return spelt;
  }
  const [org = '', repo, ...more] = value.split('/');
  if (more.length > 0 || !isOrgSlug(org) || !isPlain(org)) {
    return undefined;
  }
  if (repo === undefined) {
    return { kind: 'org', org };
  }
  return isRepoName(repo) && isPlain(repo) ? { kind: 'repo', org, repo } : undefined;
}

function isPlain(name: string): boolean {
  return /[A-Za-z]/.test(name) && name.split(/[._-]/).every((part) => NAME_PART.test(part));
}
