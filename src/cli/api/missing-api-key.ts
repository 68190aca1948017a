import { quoteText } from '../../core/escape-text.ts';
import { MesaAuthError } from '../../errors.ts';
import { RefusedRequest } from '../../rest/failures.ts';

/** The error of a request about one key, in words when the server does not know that key. */
export function missingApiKey(error: unknown, id: string, org: string): unknown {
  return error instanceof RefusedRequest && error.status === 404
    ? new MesaAuthError('KEY_NOT_FOUND', `there is no API key ${quoteText(id)} in organization '${org}'`, {
        hint: `mesa auth api-keys list --org ${org}`,
        cause: error,
      })
    : error;
}
