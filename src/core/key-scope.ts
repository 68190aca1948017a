import { MesaAuthError } from '../errors.ts';
import { quoteText } from './escape-text.ts';

/** Where a key is registered. Not a permission: the wire's `scopes` are called permissions here. */
export type KeyScope =
  | { readonly kind: 'global' }
  | { readonly kind: 'org'; readonly org: string }
  | { readonly kind: 'repo'; readonly org: string; readonly repo: string };

/** That of a repository. */
export type RepoScope = Extract<KeyScope, { kind: 'repo' }>;

/** The spelling of a scope in a store: `global`, `orgs/acme`, `orgs/acme/repos/web`. */
export type StoreKey = 'global' | `orgs/${string}`;

const MAX_SHOWN_NAME = 40;
const MAX_ORG_LENGTH = 64;
const MAX_REPO_LENGTH = 100;
const SLUG = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const MAY_BE_A_KEY = /mesa_|eyJ|:/;
const REPO = /^[A-Za-z0-9._][A-Za-z0-9._-]{0,99}$/;

/** Whether `text` is an organization slug (spec section 2). */
export function isOrgSlug(text: string): boolean {
  return SLUG.test(text) && !text.includes('..');
}

/** Whether `text` is a repository name (spec section 2; a `.git` ending is git's, in any case). */
export function isRepoName(text: string): boolean {
  return REPO.test(text) && text !== '.' && text !== '..' && !/\.git$/i.test(text);
}

/**
 * The scope that `--org` and `--repo` name, the latter as `NAME` or `ORG/NAME`; global when both are absent.
 * @throws USAGE for a repository without organization, or with two; INVALID_SCOPE for a malformed name
 */
export function scopeFromNames(org: string | undefined, repo: string | undefined): KeyScope {
  const named = namedScope(org, repo);
  if (named !== undefined) {
    return named;
  }
  if (repo === undefined) {
    return { kind: 'global' };
  }
  throw repoWithoutOrg(repo);
}

/** The error of a repository whose organization nobody named. @param repo a name that can be one */
export function repoWithoutOrg(repo: string): MesaAuthError {
  return new MesaAuthError('USAGE', '--repo needs --org', {
    hint: `name its organization, too: --repo acme/${MAY_BE_A_KEY.test(repo) ? 'web' : repo}`,
  });
}

/**
 * As scopeFromNames, for commands that look elsewhere for an organization that was not named.
 * @returns undefined where none was: what is named is a repository of another one, or nothing
 * @throws as scopeFromNames, but not for a repository without organization
 */
export function namedScope(org: string | undefined, repo: string | undefined): KeyScope | undefined {
  if (org !== undefined && !isOrgSlug(org)) {
    throw new MesaAuthError('INVALID_SCOPE', refusal(org, 'an organization name', MAX_ORG_LENGTH), {
      hint: 'use 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit at both ends and no ".."',
    });
  }
  const { of, name } = splitRepo(repo);
  if (name !== undefined && !isRepoName(name)) {
    throw new MesaAuthError('INVALID_SCOPE', refusal(name, 'a repository name', MAX_REPO_LENGTH), {
      hint: 'use 1 to 100 of A-Z a-z 0-9 . _ - without a leading "-" or an ending ".git", or organization/name',
    });
  }
  if (org !== undefined && of !== undefined && of !== org) {
    throw new MesaAuthError('INVALID_SCOPE', '--org and --repo name two organizations', {
      hint: `leave out one of them: ${MAY_BE_A_KEY.test(`${of}/${name}`) ? '--org' : `--repo ${of}/${name}`}`,
    });
  }
  const owner = org ?? of;
  return owner === undefined
    ? undefined
    : name === undefined
      ? { kind: 'org', org: owner }
      : { kind: 'repo', org: owner, repo: name };
}

/** `org/name` in its two parts; whatever is not written so is taken for a name. */
function splitRepo(repo: string | undefined): {
  readonly of: string | undefined;
  readonly name: string | undefined;
} {
  const slash = repo?.indexOf('/') ?? -1;
  const [of = '', name = ''] = slash === -1 ? [] : [repo?.slice(0, slash), repo?.slice(slash + 1)];
  return isOrgSlug(of) && isRepoName(name) ? { of, name } : { of: undefined, name: repo };
}

/** Of a hint only the limit could be told; that it is the length, nobody sees. */
function refusal(text: string, what: string, most: number): string {
  return text.length > most
    ? `what was given is too long for ${what}: it has ${text.length} characters, at most ${most} are allowed`
    : `${showName(text)} is not ${what}`;
}

/** A name in an error, unless it looks like a key that somebody put in the wrong place, alone or as `org:key`. */
function showName(text: string): string {
  return text.length > MAX_SHOWN_NAME || MAY_BE_A_KEY.test(text) ? 'what was given' : quoteText(text);
}

export function formatStoreKey(scope: KeyScope): StoreKey {
  switch (scope.kind) {
    case 'global':
      return 'global';
    case 'org':
      return `orgs/${scope.org}`;
    case 'repo':
      return `orgs/${scope.org}/repos/${scope.repo}`;
  }
}

/** The scope that a store key spells, or undefined when it spells none. */
export function parseStoreKey(text: string): KeyScope | undefined {
  if (text === 'global') {
    return { kind: 'global' };
  }
  if (!text.startsWith('orgs/')) {
    return undefined;
  }
  const end = text.indexOf('/', 'orgs/'.length);
  const org = text.slice('orgs/'.length, end === -1 ? undefined : end);
  if (!isOrgSlug(org)) {
    return undefined;
  }
  if (end === -1) {
    return { kind: 'org', org };
  }
  const repo = text.startsWith('/repos/', end) ? text.slice(end + '/repos/'.length) : '';
  return isRepoName(repo) ? { kind: 'repo', org, repo } : undefined;
}

/** Order of a listing: global, then organizations by name, each followed by its repositories. */
export function compareScopes(a: KeyScope, b: KeyScope): number {
  return compareText(orgOf(a), orgOf(b)) || compareText(repoOf(a), repoOf(b));
}

function orgOf(scope: KeyScope): string {
  return scope.kind === 'global' ? '' : scope.org;
}

function repoOf(scope: KeyScope): string {
  return scope.kind === 'repo' ? scope.repo : '';
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The flags that name a scope on the command line: ``, ` --org acme`, ` --org acme --repo web`. */
export function scopeFlags(scope: KeyScope): string {
  switch (scope.kind) {
    case 'global':
      return '';
    case 'org':
      return ` --org ${scope.org}`;
    case 'repo':
      return ` --org ${scope.org} --repo ${scope.repo}`;
  }
}
