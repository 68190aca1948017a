import { MesaAuthError } from '../errors.ts';
import { isOrgSlug } from './key-scope.ts';
import { describeTokenProblem, Token } from './token.ts';

const MAX_BYTES = 65_536;
const MAX_ENTRIES = 1_000;

/**
 * Parses `MESA_ORGS=<org>:<token>[,<org>:<token>...]` (spec section 7): split at commas, then at the first
 * colon. Blanks around an entry and one trailing comma are tolerated; an empty value registers nothing.
 * @returns organization slug to token, in the order given
 * @throws INVALID_MESA_ORGS for anything else, naming the entry's number and never its text
 */
export function parseMesaOrgs(value: string): ReadonlyMap<string, Token> {
  const result = new Map<string, Token>();
  if (value.trim() === '') {
    return result;
  }
  if (Buffer.byteLength(value) > MAX_BYTES) {
    throw invalid(`MESA_ORGS is longer than ${MAX_BYTES} bytes`);
  }
  const entries = value.split(',');
  if (entries.at(-1)?.trim() === '') {
    entries.pop();
  }
  if (entries.length > MAX_ENTRIES) {
    throw invalid(`MESA_ORGS has more than ${MAX_ENTRIES} entries`);
  }
  entries.forEach((entry, index) => {
    const { org, token } = parseEntry(entry.trim(), `MESA_ORGS entry ${index + 1}`);
    const earlier = result.get(org);
    if (earlier !== undefined && !earlier.equals(token)) {
      throw invalid(`MESA_ORGS entry ${index + 1} names an organization that has another token already`);
    }
    result.set(org, token);
  });
  return result;
}

function parseEntry(entry: string, name: string): { org: string; token: Token } {
  if (entry === '') {
    throw invalid(`${name} is empty`);
  }
  const colon = entry.indexOf(':');
  if (colon === -1) {
    throw invalid(`${name} has no colon`);
  }
  const org = entry.slice(0, colon);
  if (!isOrgSlug(org)) {
    throw invalid(`${name} does not start with an organization name`);
  }
  const value = entry.slice(colon + 1);
  const problem = describeTokenProblem(value);
  if (problem !== undefined) {
    throw invalid(`${name} has a token that ${problem}`);
  }
  return { org, token: Token.parse(value) };
}

function invalid(message: string): MesaAuthError {
  return new MesaAuthError('INVALID_MESA_ORGS', message, {
    hint: 'export MESA_ORGS="acme:$TOKEN,other:$OTHER_TOKEN"',
  });
}
