import { type Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';

import type { FastifyRequest } from 'fastify';

import { ApiError } from '../errors.ts';
import type { GitService } from '../git/pack-service.ts';

/** What a fetch says that it has and wants; git-http-backend(1) takes 10 MiB. */
const MAX_FETCH_REQUEST_BYTES = 64 * 1_024 * 1_024;

/**
 * What the client of git sends, decoded: as it comes, never whole.
 * @returns a stream that can fail, with an error of zlib or PAYLOAD_TOO_LARGE
 * @throws UNSUPPORTED_MEDIA_TYPE
 */
export function gitInputOf({ raw, headers }: FastifyRequest, service: GitService): Readable {
  if (headers['content-type'] !== `application/x-${service}-request`) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `The body must be application/x-${service}-request`);
  }
  const decoded = decode(raw, headers['content-encoding']);
  // What is pushed is limited by git itself, which then tells the client.
  return service === 'git-receive-pack' ? decoded : limit(decoded, MAX_FETCH_REQUEST_BYTES);
}

function decode(raw: Readable, encoding: string | undefined): Readable {
  switch (encoding?.toLowerCase()) {
    case undefined:
      return raw;
    case 'gzip':
    case 'x-gzip':
      return raw.pipe(createGunzip());
    default:
      throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'A body of git is sent as it is, or in gzip');
  }
}

function limit(input: Readable, maxBytes: number): Readable {
  let bytes = 0;
  const limited = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        done(new ApiError('PAYLOAD_TOO_LARGE', `The request is larger than ${maxBytes} bytes`));
      } else {
        done(null, chunk);
      }
    },
  });
  input.once('error', (error) => limited.destroy(error));
  return input.pipe(limited);
}
