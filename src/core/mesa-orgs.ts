import { MesaAuthError } from '../errors.ts';
import { describeKeyProblem, dropLineEnd } from './incoming-key.ts';
import { isOrgSlug } from './key-scope.ts';
import { Token } from './token.ts';

const MAX_BYTES = 65_536;
const MAX_ENTRIES = 1_000;

/**
 * Parses `MESA_ORGS=<org>:<token>[,<org>:<token>...]` (spec section 7): split at commas, then at the first
 * colon. Blanks around an entry, one trailing comma and one line break at the end are tolerated; an empty value registers
 * nothing.
 * @param name of the variable that holds it or names its file, for errors
 * @returns organization slug to token, in the order given
 * @throws INVALID_MESA_ORGS for anything else, naming the entry's number and never its text
 */
export function parseMesaOrgs(text: string, name = 'MESA_ORGS'): ReadonlyMap<string, Token> {
  const result = new Map<string, Token>();
  const value = dropLineEnd(text);
  if (Buffer.byteLength(value) > MAX_BYTES) {
    throw invalid(`${name} is longer than ${MAX_BYTES} bytes`);
  }
  const entries = value.split(',').map(withoutBlanks);
  if (entries.at(-1) === '') {
    entries.pop();
  }
  if (entries.length > MAX_ENTRIES) {
    throw invalid(`${name} has more than ${MAX_ENTRIES} entries`);
  }
  entries.forEach((entry, index) => {
    const { org, token } = parseEntry(entry, `${name} entry ${index + 1}`);
    const earlier = result.get(org);
    if (earlier !== undefined && !earlier.equals(token)) {
      throw invalid(`${name} entry ${index + 1} names an organization that has another token already`);
    }
    result.set(org, token);
  });
  return result;
}

/** Without spaces and tabs around it. `trim` would take away characters that make a key invalid, too. */
function withoutBlanks(text: string): string {
  const isBlank = (at: number): boolean => text[at] === ' ' || text[at] === '\t';
  let start = 0;
  let end = text.length;
  while (isBlank(start)) {
    start += 1;
  }
  while (end > start && isBlank(end - 1)) {
    end -= 1;
  }
  return text.slice(start, end);
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
  const problem = describeKeyProblem(value);
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
