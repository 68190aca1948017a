import type { Candidate } from '../core/candidates.ts';
import { quoteText } from '../core/escape-text.ts';
import { parseStoreKey, scopeFlags } from '../core/key-scope.ts';
import { nameOfKey, replaceCommand } from '../core/key-source.ts';
import { errnoOf, MesaAuthError } from '../errors.ts';
import type { ApiKeyInUse } from './api-key-in-use.ts';
import { fieldsOf } from './fields.ts';

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
/** Those of a gateway: the server itself was not there. */
const GATEWAY_STATUSES = new Set([502, 503, 504]);
const HINT = 'check the network, HTTPS_PROXY, and service-domain or api-url in config.toml';

const RETRY = 'try again later; if it stays like this, tell whoever runs the server';
const HINTS: Readonly<Record<number, string>> = {
  400: 'change what was asked for; see what there is: mesa auth --help',
  404: 'check the names that were given, and service-domain or api-url in config.toml',
  429: 'the server asks for patience: wait a minute and try again',
};

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  ETIMEDOUT: 'no answer',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
  UND_ERR_SOCKET: 'the connection was closed',
};

/** The error of a request that got no answer. @param error what fetch threw */
export function unreachable(apiUrl: string, error: unknown, timeoutMs: number): MesaAuthError {
  const reason = isTimeout(error) ? `no answer within ${timeoutMs / 1_000} seconds` : reasonOf(error);
  return new MesaAuthError('UNREACHABLE', `cannot reach ${apiUrl}: ${reason}`, { hint: HINT, cause: error });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

/** The innermost cause says it: fetch itself only says that it failed. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) {
    inner = inner.cause;
  }
  const proxyStatus =
    inner instanceof Error ? /^Proxy response \((\d{3})\)/.exec(inner.message)?.[1] : undefined;
  if (proxyStatus !== undefined) {
    return `the proxy answered ${proxyStatus}`;
  }
  const errno = errnoOf(inner);
  return errno === undefined ? 'the request failed' : (REASONS[errno] ?? errno);
}

/** An answer that refuses the request, not the key: 400, 404, 409, 429 and the like. */
export class RefusedRequest extends MesaAuthError {
  readonly status: number;

  constructor(status: number, message: string, hint: string) {
    super('SERVER_FAILED', message, { hint });
    this.status = status;
  }
}

/** The error of a key that was created, as far as its id tells, with an answer that makes no use of it possible. */
export class StrangeCreation extends MesaAuthError {
  /** Of the key. */
  readonly id: string;

  constructor(apiUrl: string, id: string) {
    const { code, message, hint } = strangeAnswer(apiUrl, 'the creation of an API key');
    super(code, message, hint === undefined ? {} : { hint });
    this.id = id;
  }
}

/** The error of a success that is not what was asked for. @param request as `GET /v1/whoami` */
export function strangeAnswer(apiUrl: string, request: string): MesaAuthError {
  return new MesaAuthError('SERVER_FAILED', `${apiUrl} answered ${request} with something else`, {
    hint: 'check service-domain or api-url in config.toml',
  });
}

export interface FailedAnswer {
  readonly apiUrl: string;
  readonly key: ApiKeyInUse;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Its JSON, undefined when it is none. */
  readonly value: unknown;
}

/** The error of an answer that is no success. It names the key by its source, and quotes the server, escaped. */
export function failedAnswer(answer: FailedAnswer): MesaAuthError {
  const { apiUrl, key, method, path, status, value } = answer;
  const said = describeError(value, key);
  const where = `${apiUrl} answered ${method} /v1${path.replace(/\?.*$/, '')}`;
  if (status === UNAUTHORIZED) {
    return new MesaAuthError('KEY_REFUSED', `${apiUrl} does not accept ${nameOfKey(key.source)}${said}`, {
      hint: `replace it: ${replaceCommand(key.source)}`,
    });
  }
  if (status === FORBIDDEN) {
    return new MesaAuthError('KEY_REFUSED', `${nameOfKey(key.source)} may not do this${said}`, {
      hint: `see what it may do: ${whoamiCommand(key.source)}`,
    });
  }
  if (GATEWAY_STATUSES.has(status)) {
    return new MesaAuthError('UNREACHABLE', `${where} with ${status}${said}`, { hint: 'try again later' });
  }
  if (status >= 200 && status <= 299) {
    return new MesaAuthError('SERVER_FAILED', `${where} with something that is no JSON`, { hint: HINT });
  }
  // A server that gives reasons is the right one.
  return new RefusedRequest(
    status,
    `${where} with ${status}${said}`,
    said === '' ? HINT : (HINTS[status] ?? RETRY),
  );
}

/** What to type to see what the key of a source may do. */
function whoamiCommand(source: Candidate['source']): string {
  const scope = parseStoreKey(source);
  return `mesa auth whoami${scope === undefined ? '' : scopeFlags(scope)}`;
}

/** Contract section 7: `{"error": {"code", "message"}}`, or the two flat. A server may repeat the key; this does not. */
function describeError(value: unknown, { token }: ApiKeyInUse): string {
  const outer = fieldsOf(value);
  const error = fieldsOf(outer['error'] ?? outer);
  const parts = [error['code'], error['message']].filter((part) => typeof part === 'string' && part !== '');
  const text = parts.join(': ').replaceAll(token.reveal(), token.masked());
  return text === '' ? '' : `: ${quoteText(text)}`;
}
