import { hasNodeFlag } from '../core/node-flags.ts';
import { MesaAuthError } from '../errors.ts';
import type { Environment } from './proxy.ts';

/**
 * Refuses a connection under settings of Node with which others could read the key on it. What stays on this machine is
 * not encrypted anyway.
 * @param url an origin
 * @throws CONFIG_INVALID
 */
export function assertPrivateConnection(url: string, env: Environment): void {
  if (!url.startsWith('https:')) {
    return;
  }
  // What Node itself asks for: any other value changes nothing.
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      `NODE_TLS_REJECT_UNAUTHORIZED=0 would give the key to whoever answers for ${url}`,
      {
        hint: 'unset NODE_TLS_REJECT_UNAUTHORIZED',
      },
    );
  }
  if (hasNodeFlag('--tls-keylog', [env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' '))) {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      `--tls-keylog would have Node write to a file what opens the connection to ${url}, with the key on it`,
      { hint: 'unset NODE_OPTIONS' },
    );
  }
}
