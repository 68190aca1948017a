import { isOrgSlug, isRepoName, type KeyScope } from '../core/key-scope.ts';

/** What git asks a credential helper: git-credential(1), "INPUT/OUTPUT FORMAT". Attributes that are not here are ignored. */
export interface CredentialRequest {
  readonly protocol: string | undefined;
  /** With its port, where the URL has one. */
  readonly host: string | undefined;
  /** Without the leading slash; git sends it only with `credential.useHttpPath`. */
  readonly path: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** `authtype`, `state`: what git understands beyond the oldest protocol. */
  readonly capabilities: readonly string[];
}

/** Git's own lines are shorter; the longest are headers of a server, and no use here. */
const MAX_LINE = 16_384;
const MAX_REQUEST = 65_536;

/**
 * Reads a request up to the blank line that ends it, or the end of the input.
 * @returns undefined for what is none: a line without `=`, a NUL, a carriage return, too much of anything. Whatever may
 *   be read in two ways was used to get at keys of other hosts (CVE-2020-5260, CVE-2024-52006)
 */
export function readCredentialRequest(chunks: Iterable<Uint8Array>): CredentialRequest | undefined {
  let text = '';
  for (const chunk of chunks) {
    text += Buffer.from(chunk).toString('latin1');
    if (endOf(text) !== -1) {
      break;
    }
    if (text.length > MAX_REQUEST) {
      return undefined;
    }
  }
  return parseCredentialRequest(text);
}

/** @param text one character for each byte */
export function parseCredentialRequest(text: string): CredentialRequest | undefined {
  const end = endOf(text);
  const lines = end === -1 ? text : text.slice(0, end);
  if (lines.includes('\0') || lines.includes('\r')) {
    return undefined;
  }
  const values = new Map<string, string>();
  let capabilities: string[] = [];
  for (const line of lines.split('\n')) {
    if (line === '') {
      continue;
    }
    const equals = line.indexOf('=');
    if (equals < 1 || line.length > MAX_LINE) {
      return undefined;
    }
    const [name, value] = [line.slice(0, equals), line.slice(equals + 1)];
    if (name === 'capability[]') {
      // An empty value clears what came before.
      capabilities = value === '' ? [] : [...capabilities, value];
    } else {
      values.set(name, value);
    }
  }
  return {
    protocol: values.get('protocol'),
    host: values.get('host'),
    path: values.get('path'),
    username: values.get('username'),
    password: values.get('password'),
    capabilities,
  };
}

/** Where the blank line begins; -1 where there is none. */
function endOf(text: string): number {
  return text.startsWith('\n') ? 0 : text.indexOf('\n\n');
}

/**
 * The scope that a URL's path names: `acme/web.git` a repository, with what git-lfs puts behind it, `acme` an
 * organization, and no path everything.
 * @returns undefined for any other path
 */
export function scopeOfPath(path: string | undefined): KeyScope | undefined {
  const [org = '', name, ...rest] = withoutEnd(path ?? '', '/').split('/');
  if (org === '' && name === undefined) {
    return { kind: 'global' };
  }
  if (!isOrgSlug(org)) {
    return undefined;
  }
  if (name === undefined) {
    return { kind: 'org', org };
  }
  const repo = withoutEnd(name, '.git');
  const isWhole = rest.length === 0 || name !== repo;
  return isWhole && isRepoName(repo) ? { kind: 'repo', org, repo } : undefined;
}

/** Without a pattern: git waits, and the first use of one costs more than this whole function. */
function withoutEnd(text: string, end: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}
