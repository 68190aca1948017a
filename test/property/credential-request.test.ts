import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import {
  parseCredentialRequest,
  readCredentialRequest,
  scopeOfPath,
} from '../../src/git/credential-request.ts';
import { findFault, RUNS } from '../support/runs.ts';

const piece = fc.oneof(
  fc.constantFrom(
    'protocol=https\n',
    'host=api.mesa.dev\n',
    'path=acme/web.git\n',
    'capability[]=authtype\n',
    'username=t\n',
    '\n',
    '=',
    '\r',
    '\0',
    '[]',
    '__proto__=x\n',
    'constructor=\n',
    'url=https://evil.example\n',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

it('whatever git, or somebody else, writes is a request or none; nothing else happens', async () => {
  const SECRET = 'never=repeated';
  await fc.assert(
    fc.asyncProperty(text, async (input) => {
      const fault = await findFault(SECRET, () => {
        const request = parseCredentialRequest(`${input}${SECRET}\r`) ?? parseCredentialRequest(input);
        return scopeOfPath(request?.path);
      });
      expect(fault).toBeUndefined();
    }),
    { numRuns: RUNS },
  );
});

it('a request is the same in whatever pieces its bytes come', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      text,
      fc.integer({ min: 1, max: 9 }),
      (noise, input, size) => {
        const bytes = Buffer.concat([Buffer.from(input, 'latin1'), noise]);
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        );
        expect(readCredentialRequest(pieces)).toEqual(readCredentialRequest([bytes]));
      },
    ),
    { numRuns: RUNS },
  );
});

it('no value has a line break, a carriage return or a NUL in it', () => {
  fc.assert(
    fc.property(text, (input) => {
      const request = parseCredentialRequest(input);
      for (const value of Object.values(request ?? {}).flat()) {
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(value ?? '').not.toMatch(/[\r\n\0]/);
      }
    }),
    { numRuns: RUNS },
  );
});
