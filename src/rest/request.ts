import { escapeText } from '../core/escape-text.ts';
import { MesaAuthError } from '../errors.ts';
import type { ApiKeyInUse } from './api-key-in-use.ts';
import { failedAnswer, unreachable } from './failures.ts';
import { assertPrivateConnection } from './private-connection.ts';
import { openConnections, type Environment } from './proxy.ts';

/** Who asks whom. */
export interface ApiAccess {
  /** Where the API is, as `https://api.mesa.dev`; see Config. */
  readonly apiUrl: string;
  readonly key: ApiKeyInUse;
  /** For HTTPS_PROXY and NO_PROXY. */
  readonly env: Environment;
  /** For one request, with its answer; 15 seconds by default. */
  readonly timeoutMs?: number;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the API's version, as `/whoami`. */
  readonly path: `/${string}`;
  /** Sent as JSON; none when absent. */
  readonly body?: unknown;
}

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * One request, sent once: what is not safe to repeat is not repeated. No redirect is followed, since the key would
 * travel with it.
 * @returns the answer's JSON
 * @throws KEY_REFUSED for 401 and 403, UNREACHABLE when there is no answer in time, SERVER_FAILED for any other answer,
 * CONFIG_INVALID for settings that give the key away
 */
export async function requestJson(access: ApiAccess, request: ApiRequest): Promise<unknown> {
  const { apiUrl, key, env, timeoutMs = TIMEOUT_MS } = access;
  const { method, path, body } = request;
  const url = `${apiUrl}/v1${path}`;
  const init: RequestInit = {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      authorization: `Bearer ${key.token.reveal()}`,
      accept: 'application/json',
      'user-agent': 'mesa-auth',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  let status: number;
  let text: string;
  assertPrivateConnection(apiUrl, env);
  const connections = await openConnections(apiUrl, env);
  try {
    const response = await connections.fetch(url, init);
    ({ status } = response);
    text = await readText(response);
  } catch (error) {
    throw error instanceof MesaAuthError ? error : unreachable(apiUrl, error, timeoutMs);
  } finally {
    connections.close();
  }
  const value = parseJson(text);
  if (status < 200 || status > 299 || value === undefined) {
    throw failedAnswer({ ...access, ...request, status, value });
  }
  return value;
}

/** Whatever comes, no more than fits into memory without harm. */
async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) {
      throw new MesaAuthError('SERVER_FAILED', `${escapeText(response.url)} answered with more than 8 MiB`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
