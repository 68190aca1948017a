import { MesaAuthError } from '../errors.ts';
import type { ApiKey } from '../rest/api-keys.ts';
import { repositoryNames } from '../rest/repositories.ts';
import type { ApiAccess } from '../rest/request.ts';
import type { Context } from './context.ts';
import { withProgress } from './progress.ts';

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Looks up the names of the repositories that keys are limited to: once, and only when a key is. Names are for reading:
 * where they cannot be had, ids do, with a warning.
 */
export function knownNames(
  context: Context,
  access: ApiAccess,
  org: string,
): (keys: readonly Pick<ApiKey, 'repoIds'>[]) => Promise<ReadonlyMap<string, string>> {
  let names: Promise<ReadonlyMap<string, string>> | undefined;
  return async (keys) => {
    if (keys.every(({ repoIds }) => repoIds === undefined)) {
      return NONE;
    }
    names ??= withProgress(context, 'asking for the names of repositories', () =>
      repositoryNames(access, org),
    );
    try {
      return await names;
    } catch (error) {
      if (!(error instanceof MesaAuthError)) {
        throw error;
      }
      context.output.warn(`the names of repositories are not known: ${error.message}`);
      return NONE;
    }
  };
}
