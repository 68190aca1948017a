import { isAbsolute } from 'node:path';

import { parseMesaOrgs } from '../../core/mesa-orgs.ts';
import type { Context } from '../../session/context.ts';

/** A variable of the environment that changes what mesa does. */
export interface Variable {
  readonly name: string;
  /** Its value, or what may be shown of it; undefined for a secret of which nothing may. */
  readonly shown: string | undefined;
}

/**
 * The variables that decide about stores and keys here, in order of their names; those that count as unset are left out.
 * @throws INVALID_KEY, INVALID_SCOPE, INVALID_MESA_ORGS
 */
export function variablesInForce(
  context: Pick<Context, 'environmentKey' | 'environmentOrg' | 'host'>,
): readonly Variable[] {
  const { env, platform } = context.host;
  const variables: Variable[] = [];
  const key = context.environmentKey();
  if (key !== undefined) {
    variables.push({ name: 'MESA_API_KEY', shown: key.token.masked() });
  }
  const org = context.environmentOrg();
  if (org !== undefined) {
    variables.push({ name: 'MESA_ORG', shown: org });
  }
  const orgs = parseMesaOrgs(env['MESA_ORGS'] ?? '').size;
  if (orgs > 0) {
    variables.push({ name: 'MESA_ORGS', shown: `${orgs} ${orgs === 1 ? 'entry' : 'entries'}` });
  }
  if ((env['MESA_VAULT_PASSPHRASE'] ?? '') !== '') {
    variables.push({ name: 'MESA_VAULT_PASSPHRASE', shown: undefined });
  }
  for (const name of platform === 'darwin' ? [] : ['XDG_CONFIG_HOME', 'XDG_DATA_HOME']) {
    const value = env[name];
    if (value !== undefined && isAbsolute(value)) {
      variables.push({ name, shown: value });
    }
  }
  return variables;
}
