import { MesaAuthError } from '../../errors.ts';
import { changeTags } from '../../rest/api-keys.ts';
import { parseKeyId, parseTagChanges } from '../api/api-key-flags.ts';
import { accessOrg } from '../api/org-access.ts';
import type { Context } from '../../session/context.ts';
import { missingApiKey } from '../api/missing-api-key.ts';
import { withProgress } from '../terminal/progress.ts';

export interface TagApiKeyOptions {
  readonly org: string | undefined;
  readonly id: string | undefined;
  /** As `env=prod`, which sets, and `team-`, which removes. */
  readonly changes: readonly string[];
  readonly json: boolean;
}

/** `mesa auth api-keys tag`: changes tags, and prints all that the key has then. */
export async function runTagApiKey(context: Context, options: TagApiKeyOptions): Promise<void> {
  const id = parseKeyId(options.id, 'tag');
  const changes = parseTagChanges(options.changes);
  if (changes.size === 0) {
    throw new MesaAuthError('USAGE', 'no change of a tag was given', {
      hint: `mesa auth api-keys tag ${id} env=prod team-`,
    });
  }
  const { access, org } = await accessOrg(context, options.org);
  let tags: ReadonlyMap<string, string>;
  try {
    tags = await withProgress(context, 'changing tags', () => changeTags(access, org, id, changes));
  } catch (error) {
    throw missingApiKey(error, id, org);
  }
  if (options.json) {
    context.output.json({ organization: org, id, tags: Object.fromEntries(tags) });
  } else if (tags.size === 0) {
    context.output.note(`API key ${id} has no tags`);
  } else {
    context.output.table(['TAG', 'VALUE'], [...tags]);
  }
}
