import { isAbsolute } from 'node:path';

import type { Context } from '../../session/context.ts';
import { readOrgs } from '../../session/environment-secrets.ts';
import { readSecret } from '../../session/secret-variable.ts';

/** A variable of the environment that changes what mesa does. */
export interface Variable {
  readonly name: string;
  /** Its value, or what may be shown of it; undefined for a secret of which nothing may. */
  readonly shown: string | undefined;
}

/**
 * The variables that decide about stores and keys here, in order of their names; those that count as unset are left out.
 * @throws INVALID_KEY, INVALID_SCOPE, INVALID_MESA_ORGS, and as readSecret
 */
export async function variablesInForce(
  context: Pick<Context, 'environmentKey' | 'environmentOrg' | 'host'>,
): Promise<readonly Variable[]> {
  const { env, platform } = context.host;
  const variables: Variable[] = [];
  const key = await context.environmentKey();
  if (key !== undefined) {
    variables.push({ name: key.variable, shown: key.token.masked() });
  }
  const org = context.environmentOrg();
  if (org !== undefined) {
    variables.push({ name: 'MESA_ORG', shown: org });
  }
  const { variable, tokens } = readOrgs(context.host);
  const orgs = tokens.size;
  if (orgs > 0) {
    variables.push({ name: variable, shown: `${orgs} ${orgs === 1 ? 'entry' : 'entries'}` });
  }
  const passphrase = readSecret(context.host, 'MESA_VAULT_PASSPHRASE');
  if (passphrase !== undefined) {
    variables.push({ name: passphrase.variable, shown: undefined });
  }
  for (const name of platform === 'darwin' ? [] : ['XDG_CONFIG_HOME', 'XDG_DATA_HOME']) {
    const value = env[name];
    if (value !== undefined && isAbsolute(value)) {
      variables.push({ name, shown: value });
    }
  }
  return variables;
}

/** `MESA_ORGS (2 entries)`. */
export function describeVariable({ name, shown }: Variable): string {
  return shown === undefined ? name : `${name} (${shown})`;
}
