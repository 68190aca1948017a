import { quoteText } from '../../core/escape-text.ts';
import { formatStoreKey, namedScope } from '../../core/key-scope.ts';
import { nameOfKey } from '../../core/key-source.ts';
import type { Context } from '../../session/context.ts';
import { alignColumns } from '../../session/output.ts';
import { resolveKeyOf } from '../../session/use-key.ts';
import { usedScope, type ScopeOptions } from '../../session/used-scope.ts';
import { identify } from '../api/org-access.ts';
import { JSON_FLAG, orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'whoami'],
  description: 'ask the server whose the key is that is used here, and what it may do',
  examples: ['mesa auth whoami', 'mesa auth whoami --org acme --json'],
  flags: [...orgAndRepoFlags(), JSON_FLAG],
  run: (context, flags) => runWhoami(context, { ...scopeOf(flags), json: flags.has('json') }),
};

interface WhoamiOptions extends ScopeOptions {
  readonly json: boolean;
}

/** `mesa auth whoami`: what the server says of the key that is used here. */
async function runWhoami(context: Context, options: WhoamiOptions): Promise<void> {
  namedScope(options.org, options.repo);
  const { output, host } = context;
  const config = await context.loadConfig();
  const { scope } = await usedScope(context, options, config);
  const key = await resolveKeyOf(context, scope, config);
  const { org, keyId, keyName, permissions } = await identify(context, {
    apiUrl: config.apiUrl,
    env: host.env,
    key,
  });
  if (options.json) {
    output.json({
      organization: org,
      key_id: keyId ?? null,
      key_name: keyName ?? null,
      permissions,
      source: key.source,
      masked_key: key.token.masked(),
      api_url: config.apiUrl,
    });
  } else {
    const lines = [
      ['organization', org.name === org.slug ? org.slug : `${org.slug} (${org.name})`],
      ['key', keyId ?? 'a short-lived token'],
      ...(keyName === undefined ? [] : [['name', keyName]]),
      ['permissions', permissions.join(', ') || 'none'],
      ['source', `${key.source} (${key.token.masked()})`],
      ['server', config.apiUrl],
    ];
    output.data(`${alignColumns(lines).join('\n')}\n`);
  }
  if (scope.kind !== 'global' && scope.org !== org.slug) {
    output.warn(
      `${nameOfKey(key.source)} is of organization ${quoteText(org.slug)}, not of the one asked for: ${formatStoreKey(scope)}`,
    );
  }
}
