import { createApiKey, deleteRepo, listApiKeys, listRepos, revokeApiKey, updateApiKey } from '@mesadev/rest';
import { Mesa, MesaApiError } from '@mesadev/sdk';

import type { Authority } from './authority.ts';

type Place = Pick<Authority, 'url'>;

/** Mesa's SDK, as a program would make it for this server. */
export function sdk({ url }: Place, apiKey: string, org?: string): Mesa {
  return new Mesa({ apiKey, apiUrl: `${url}/v1`, ...(org === undefined ? {} : { org }) });
}

/** What a function of `@mesadev/rest` needs to reach this server. */
export function restOptions({ url }: Place, apiKey: string) {
  return { baseUrl: `${url}/v1`, headers: { authorization: `Bearer ${apiKey}` } };
}

/**
 * The class `Mesa` that `@mesadev/rest` had when seed 002 was written, on the functions that it has today: `org` and
 * `id` were beside the body, `listApiKeys` gave `apiKeys`, and what failed was thrown with its code.
 */
export function olderClient(place: Place, apiKey: string) {
  const options = restOptions(place, apiKey);
  type Body<F extends (options: never) => unknown> = Parameters<F>[0] extends { body: infer B } ? B : never;
  return {
    admin: {
      createApiKey: ({ org, body }: { org: string; body: Body<typeof createApiKey> }) =>
        unwrap(createApiKey({ ...options, path: { org }, body })),
      updateApiKeyTags: ({ org, id, body }: { org: string; id: string; body: Body<typeof updateApiKey> }) =>
        unwrap(updateApiKey({ ...options, path: { org, id }, body })),
      listApiKeys: async ({ org }: { org: string }) => {
        const { api_keys: apiKeys } = await unwrap(listApiKeys({ ...options, path: { org } }));
        return { apiKeys };
      },
      revokeApiKey: ({ org, id }: { org: string; id: string }) =>
        unwrap(revokeApiKey({ ...options, path: { org, id } })),
    },
    repos: {
      list: ({ org }: { org: string }) => unwrap(listRepos({ ...options, path: { org } })),
      delete: ({ org, repo }: { org: string; repo: string }) =>
        unwrap(deleteRepo({ ...options, path: { org, repo } })),
    },
  };
}

/** Gives what came, and throws the `error` of a refusal. */
async function unwrap<T>(reply: Promise<{ data?: T; error?: unknown }>): Promise<NonNullable<T>> {
  const { data, error } = await reply;
  if (data === undefined || data === null) {
    throw (error as { error: unknown }).error;
  }
  return data;
}

/** What a call of the SDK was refused with; fails the test when it was not refused by the server. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ status: number | undefined; code: unknown }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const cause = error instanceof Error && !(error instanceof MesaApiError) ? error.cause : error;
  if (!(cause instanceof MesaApiError)) {
    throw new Error('the call was not refused by the server', { cause: error });
  }
  return { status: cause.status, code: cause.code };
}
