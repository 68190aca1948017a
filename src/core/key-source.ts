import { MesaAuthError } from '../errors.ts';
import type { Candidate } from './candidates.ts';
import { parseStoreKey, scopeFlags } from './key-scope.ts';

/** What to type to replace the key of a source. */
export function replaceCommand(source: Candidate['source']): string {
  const scope = parseStoreKey(source);
  return scope === undefined ? `export ${source}="$TOKEN"` : `mesa auth set-key${scopeFlags(scope)}`;
}

/** `the key for orgs/acme`, `the key in MESA_API_KEY`: for messages. */
export function nameOfKey(source: Candidate['source']): string {
  return `the key ${source === 'MESA_API_KEY' ? 'in' : 'for'} ${source}`;
}

/** The error for a key that is no API key, where one is needed. @param deed as `be rotated` */
export function needsApiKey(source: Candidate['source'], deed: string): MesaAuthError {
  return new MesaAuthError(
    'INVALID_KEY',
    `${nameOfKey(source)} is a short-lived token, which cannot ${deed}`,
    { hint: `give an API key: ${replaceCommand(source)}` },
  );
}
