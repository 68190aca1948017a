/** Spec section 2: what the command line accepts as a slug, so that every organization can be named there. */
const SLUG = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const REPO_NAME = /^(?!-)[A-Za-z0-9._-]{1,100}$/;
/** They stand where a repository's name stands in a path: `/{org}/api-keys`. */
const RESERVED = new Set(['repo', 'repos', 'api-key', 'api-keys', 'webhook-targets', '.', '..']);
/** git-check-ref-format(1), for what follows `refs/heads/`; `HEAD` and a leading `-` are what git-branch(1) refuses. */
const FORBIDDEN_IN_BRANCH = /^[-/]|\.\.|@\{|\/\/|[~^:?*[\\]|[./]$|(?:^|\/)\.|\.lock(?:\/|$)|^@$|^HEAD$/;

export function isOrganizationSlug(text: string): boolean {
  return SLUG.test(text) && !text.includes('..');
}

/** Contract section 7, and the stricter of it and the spec: no leading `-`, no `.git` ending in any case. */
export function isRepositoryName(text: string): boolean {
  return REPO_NAME.test(text) && !RESERVED.has(text.toLowerCase()) && !/\.git$/i.test(text);
}

/** Whether git accepts `refs/heads/<text>`: at most 200 characters of printable ASCII. */
export function isBranchName(text: string): boolean {
  return /^[!-~]{1,200}$/.test(text) && !FORBIDDEN_IN_BRANCH.test(text);
}
