import { type ApiAccess, type ApiRequest, requestJson } from './request.ts';

/** What every operation of `@mesadev/rest` is called with. */
export interface ClientOptions {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly throwOnError: true;
  readonly responseStyle: 'data';
}

/**
 * Lets the operations of the official client go through our one transport: they know the paths, the queries and the
 * bodies; proxy, time limits, the key and the errors are ours. What they answer is not checked against their types.
 */
export function clientOptions(access: ApiAccess): ClientOptions {
  const baseUrl = `${access.apiUrl}/v1`;
  return {
    baseUrl,
    throwOnError: true,
    responseStyle: 'data',
    fetch: async (input) => {
      const request = new Request(input);
      const body = await request.text();
      const answer = await requestJson(access, {
        method: request.method as ApiRequest['method'],
        path: request.url.slice(baseUrl.length) as ApiRequest['path'],
        ...(body === '' ? {} : { body: JSON.parse(body) as unknown }),
      });
      return Response.json(answer);
    },
  };
}
