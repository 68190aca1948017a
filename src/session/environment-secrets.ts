import { parseIncomingKey } from '../core/incoming-key.ts';
import { parseMesaOrgs } from '../core/mesa-orgs.ts';
import type { Token } from '../core/token.ts';
import type { Host } from '../platform/host.ts';
import { readSecret } from './secret-variable.ts';

/**
 * The key that `MESA_API_KEY` holds or whose file is named, which is the case.
 * @throws INVALID_KEY, and as readSecret
 */
export function readEnvironmentKey(host: Pick<Host, 'env'>): { token: Token; variable: string } {
  const { variable, text } = readSecret(host, 'MESA_API_KEY') ?? { variable: 'MESA_API_KEY', text: '' };
  const token = parseIncomingKey(text, { name: `the key in ${variable}`, hint: `unset ${variable}` });
  return { token, variable };
}

/**
 * The tokens of `MESA_ORGS` by organization, none where it is unset, and the variable they are from.
 * @throws INVALID_MESA_ORGS, and as readSecret
 */
export function readOrgs(host: Pick<Host, 'env'>): {
  readonly variable: string;
  readonly tokens: ReadonlyMap<string, Token>;
} {
  const { variable, text } = readSecret(host, 'MESA_ORGS') ?? { variable: 'MESA_ORGS', text: '' };
  return { variable, tokens: parseMesaOrgs(text, variable) };
}
