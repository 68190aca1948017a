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
  const input =
    service === 'git-receive-pack'
      ? limitCommands(decoded, MAX_FETCH_REQUEST_BYTES)
      : limit(decoded, MAX_FETCH_REQUEST_BYTES);
  // It may fail while its git waits for others, and nobody listens yet: then it says so in `errored`.
  input.on('error', () => {});
  return input;
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

/** Of what comes before the pack: git keeps all of it in memory. */
function limitCommands(input: Readable, maxBytes: number): Readable {
  let bytes = 0;
  let length = '';
  let rest = 0;
  let isPack = false;
  const limited = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      for (let at = 0; !isPack && at < chunk.length;) {
        const step = rest > 0 ? Math.min(rest, chunk.length - at) : 1;
        if (rest > 0) {
          rest -= step;
        } else {
          length += String.fromCharCode(chunk[at] ?? 0);
          if (length.length === 4) {
            // gitprotocol-common(5): a pkt-line has its own length, a flush-pkt has 0.
            const size = Number.parseInt(length, 16);
            isPack = !(size >= 4);
            rest = size - 4;
            length = '';
          }
        }
        at += step;
        bytes += step;
      }
      done(
        bytes > maxBytes
          ? new ApiError('PAYLOAD_TOO_LARGE', `The commands are larger than ${maxBytes} bytes`)
          : null,
        chunk,
      );
    },
  });
  input.once('error', (error) => limited.destroy(error));
  return input.pipe(limited);
}
