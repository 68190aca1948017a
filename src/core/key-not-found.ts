import { MesaAuthError } from '../errors.ts';
import { scopeFlags, type KeyScope } from './key-scope.ts';

/** The error of a lookup that found nothing. Its text for an organization is the documented literal. */
export function keyNotFound(scope: KeyScope): MesaAuthError {
  const where = scope.kind === 'global' ? '' : ` for organization '${scope.org}'`;
  const place: KeyScope = scope.kind === 'global' ? scope : { kind: 'org', org: scope.org };
  return new MesaAuthError('KEY_NOT_FOUND', `no API key found in the secret store${where}`, {
    hint: `mesa auth set-key${scopeFlags(place)}`,
  });
}
