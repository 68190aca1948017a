import { MesaAuthError } from '../../errors.ts';
import { changeTags } from '../../rest/api-keys.ts';
import type { Context } from '../../session/context.ts';
import { parseKeyId, parseTagChanges } from '../api/api-key-flags.ts';
import { accessOrg } from '../api/org-access.ts';
import { API_ORG_FLAG, KEY_ID } from '../command-line/shared-flags.ts';
import { JSON_FLAG, valueOf, type CommandSpec } from '../command-line/spec.ts';
import { withProgress } from '../terminal/progress.ts';

export const command: CommandSpec = {
  path: ['auth', 'api-keys', 'tag'],
  description: 'set and remove tags of an API key',
  examples: ['mesa auth api-keys tag key_01KE4Q env=prod team-   # sets env, removes team'],
  flags: [API_ORG_FLAG, JSON_FLAG],
  argument: KEY_ID,
  more: { name: 'tags', description: 'name=value sets a tag, name- removes one' },
  run: (context, flags, id, changes) =>
    runTagApiKey(context, { org: valueOf(flags, 'org'), id, changes, json: flags.has('json') }),
};

interface TagApiKeyOptions {
  readonly org: string | undefined;
  readonly id: string | undefined;
  /** As `env=prod`, which sets, and `team-`, which removes. */
  readonly changes: readonly string[];
  readonly json: boolean;
}

/** `mesa auth api-keys tag`: changes tags, and prints all that the key has then. */
async function runTagApiKey(context: Context, options: TagApiKeyOptions): Promise<void> {
  const id = parseKeyId(options.id, options.org);
  const changes = parseTagChanges(options.changes);
  if (changes.size === 0) {
    throw new MesaAuthError('USAGE', 'no change of a tag was given', {
      hint: `mesa auth api-keys tag ${id} env=prod team-`,
    });
  }
  const { access, org } = await accessOrg(context, options.org);
  const tags = await withProgress(context, 'changing tags', () => changeTags(access, org, id, changes));
  if (options.json) {
    context.output.json({ organization: org, id, tags: Object.fromEntries(tags) });
  } else if (tags.size === 0) {
    context.output.note(`API key ${id} has no tags`);
  } else {
    context.output.table(['TAG', 'VALUE'], [...tags]);
  }
}
