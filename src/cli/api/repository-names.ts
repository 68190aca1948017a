import { quoteText } from '../../core/escape-text.ts';
import { MesaAuthError } from '../../errors.ts';
import type { ApiKey } from '../../rest/api-keys.ts';
import { RefusedRequest } from '../../rest/failures.ts';
import { repositoryId, repositoryNames } from '../../rest/repositories.ts';
import type { ApiAccess } from '../../rest/request.ts';
import type { Context } from '../../session/context.ts';
import { withProgress } from '../terminal/progress.ts';

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Looks up the names of the repositories that keys are limited to: once, and only when a key is. Names are for reading:
 * where they cannot be had, ids do, with a warning.
 */
export function knownNames(
  context: Pick<Context, 'host' | 'output'>,
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

/** The id of a repository that somebody named. @throws KEY_NOT_FOUND when the server does not know it, else as requestJson */
export async function idOfNamed(access: ApiAccess, org: string, repo: string): Promise<string> {
  try {
    return await repositoryId(access, org, repo);
  } catch (error) {
    throw error instanceof RefusedRequest && error.status === 404
      ? new MesaAuthError(
          'KEY_NOT_FOUND',
          `there is no repository ${quoteText(repo)} in organization '${org}'`,
          {
            hint: `check the name, and which key is used: mesa auth whoami --org ${org}`,
            cause: error,
          },
        )
      : error;
  }
}
