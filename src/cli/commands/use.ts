import { readConfigText } from '../../config/config-file.ts';
import { readsNoFile } from '../../config/config.ts';
import { writeOrg } from '../../config/write-config.ts';
import { scopeFromNames } from '../../core/key-scope.ts';
import { MesaAuthError } from '../../errors.ts';
import { chooseConfigFile, withDataLock } from '../../session/config-target.ts';
import type { Context } from '../../session/context.ts';
import type { CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'use'],
  description: 'name the organization that is meant where a command that uses a key names none',
  examples: ['mesa auth use acme'],
  flags: [],
  argument: {
    name: 'organization',
    description: 'its name, which goes into config.toml',
    values: 'organizations',
    required: true,
  },
  run: (context, _flags, org) => runUse(context, org),
};

/** `mesa auth use ORG`: writes `[secrets] org`. It needs no configuration that is right: it mends a wrong `org`. */
async function runUse(context: Context, org: string | undefined): Promise<void> {
  if (org === undefined) {
    throw new MesaAuthError('USAGE', 'no organization was named', { hint: 'mesa auth use acme' });
  }
  scopeFromNames(org, undefined);
  const environmentOrg = context.environmentOrg();
  const file = chooseConfigFile(context);
  await withDataLock(context, () => {
    writeOrg(file, org, textInForce(context, file));
    return Promise.resolve();
  });
  context.output.note(`saved in ${file}: organization '${org}' is meant where none is named`);
  if (environmentOrg !== undefined && environmentOrg !== org) {
    context.output.warn(`MESA_ORG comes before it, and names '${environmentOrg}'`);
  }
  if (readsNoFile(context.host.env)) {
    context.output.warn('MESA_NO_CONFIG_FILE is set: no configuration file is read');
  }
}

/** The text of the file that a new one would hide, as the system's would be by the user's. */
function textInForce(
  { explicitConfig, paths }: Pick<Context, 'explicitConfig' | 'paths'>,
  file: string,
): string | undefined {
  return explicitConfig === undefined && readConfigText(file) === undefined
    ? paths.configFiles.map((path) => readConfigText(path)).find((text) => text !== undefined)
    : undefined;
}
