import type { Config } from '../config/config.ts';
import { parseMesaOrgs } from '../core/mesa-orgs.ts';
import type { Context } from './context.ts';

/** The configuration as it is, for a command that writes nothing: no wizard, and no key of MESA_ORGS is registered. */
export async function peekConfig(context: Context): Promise<Config> {
  parseMesaOrgs(context.host.env['MESA_ORGS'] ?? '');
  return context.loadConfig();
}
