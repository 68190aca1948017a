import type { Authority } from './authority.ts';

export interface RestReply {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test expects, it compares
  readonly body: any;
}

/** One request to the REST API, as any HTTP client makes it. */
export async function rest(
  { url }: Pick<Authority, 'url'>,
  method: string,
  path: string,
  credential: string | undefined,
  body?: unknown,
): Promise<RestReply> {
  const response = await fetch(`${url}/v1${path}`, {
    method,
    headers: {
      ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
