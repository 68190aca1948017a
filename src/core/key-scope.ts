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
 * The scope that `--org` and `--repo` name; global when both are absent.
 * @throws USAGE for a repository without organization, INVALID_SCOPE for a malformed name
 */
export function scopeFromNames(org: string | undefined, repo: string | undefined): KeyScope {
  if (org === undefined) {
    if (repo === undefined) {
      return { kind: 'global' };
    }
    throw new MesaAuthError('USAGE', '--repo needs --org', {
      hint: 'add --org ORG before --repo',
    });
  }
  if (!isOrgSlug(org)) {
    throw new MesaAuthError('INVALID_SCOPE', refusal(org, 'an organization name', MAX_ORG_LENGTH), {
      hint: 'use 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit at both ends and no ".."',
    });
  }
  if (repo === undefined) {
    return { kind: 'org', org };
  }
  if (!isRepoName(repo)) {
    throw new MesaAuthError('INVALID_SCOPE', refusal(repo, 'a repository name', MAX_REPO_LENGTH), {
      hint: 'use 1 to 100 of A-Z a-z 0-9 . _ - without a leading "-" or an ending ".git"',
    });
  }
  return { kind: 'repo', org, repo };
}

/** Of a hint only the limit could be told; that it is the length, nobody sees. */
function refusal(text: string, what: string, most: number): string {
  return text.length > most
    ? `what was given is too long for ${what}: it has ${text.length} characters, at most ${most} are allowed`
    : `${showName(text)} is not ${what}`;
}

/** A name in an error, unless it looks like a key that somebody put in the wrong place, alone or as `org:key`. */
function showName(text: string): string {
  return text.length > MAX_SHOWN_NAME || /mesa_|eyJ|:/.test(text) ? 'what was given' : quoteText(text);
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
