import { describe, expect, it } from 'vitest';

import { describeToken } from '../../../src/core/token-kind.ts';
import { Token } from '../../../src/core/token.ts';
import { encodePart, jwtOf } from '../../support/jwt.ts';

const NOTHING = { issued: undefined, expires: undefined, permissions: undefined, repositories: undefined };
const HEADER = encodePart({ alg: 'HS256' });

function describeText(text: string): unknown {
  return describeToken(Token.parse(text));
}

describe('a token', () => {
  // The golden vectors A and C of Mesa's contract: what the SDK signed on 2026-01-01.
  it.each([
    {
      payload:
        'eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsicmVhZCIsIndyaXRlIl0sInJlcG9zIjpbImFjbWUvd2ViIl0sImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwLCJqdGkiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ',
      signature: 'RxHOJkMdPuQVYOE8YLL72zx5Zv7KMthQcUF7mMQBqhk',
      facts: {
        kind: 'jwt',
        issued: new Date('2026-01-01T00:00:00.000Z'),
        expires: new Date('2026-01-01T01:00:00.000Z'),
        permissions: ['read', 'write'],
        repositories: ['acme/web'],
      },
    },
    {
      payload:
        'eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsiYWRtaW4iXSwicmVwb3MiOltdLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzMxMjAwMCwianRpIjoiMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAzIn0',
      signature: 'advh-_oD57_HHRdnZzchWGAqDvSNYGl4O38e5-FQha0',
      facts: {
        kind: 'jwt',
        issued: new Date('2026-01-01T00:00:00.000Z'),
        expires: new Date('2026-01-02T00:00:00.000Z'),
        permissions: ['admin'],
        repositories: [],
      },
    },
  ])('of the SDK says when it was made and ends, and what it is for', ({ payload, signature, facts }) => {
    const header = 'eyJhbGciOiJIUzI1NiIsInR5cCI6Im1lc2EtYXQrand0Iiwia2lkIjoia2V5XzAxVEVTVC52MSJ9';
    expect(describeText(`${header}.${payload}.${signature}`)).toEqual(facts);
  });

  it.each([
    ['api-key', 'mesa_Tz4kQ0vW11aa'],
    ['api-key', `mesa_${jwtOf({ exp: 1 })}`],
    ['other', 'ghp_something'],
    ['other', 'eyJhbGciOiJIUzI1NiJ9'],
    ['other', `${HEADER}.${encodePart({ exp: 1 })}`],
    ['other', `${HEADER}.${encodePart({ exp: 1 })}.x.y.z`],
    ['other', `${HEADER}.${encodePart([1])}.x`],
    ['other', `${HEADER}.${encodePart('null')}.x`],
    ['other', `${HEADER}.${encodePart('{"exp":1')}.x`],
    ['other', `${encodePart('no header').replace(/^./, 'e')}.${encodePart({ exp: 1 })}.x`],
    ['other', `${HEADER}.${encodePart({ exp: 1 })}=.x`],
    ['other', 'e.y.J'],
    ['jwt', `${HEADER}.${encodePart({ sub: 'x' })}.x`],
    ['jwt', `${HEADER}.${encodePart({ sub: 'x' })}.`],
    ['jwt', `${encodePart('{\n"alg": "HS256" }')}.${encodePart({})}.x`],
  ])('is of the kind %s when it is %s', (kind, text) => {
    expect(describeText(text)).toEqual({ kind, ...NOTHING });
  });

  it.each([
    ['a text', '"1767225600"'],
    ['nothing', 'null'],
    ['negative', '-1'],
    ['in milliseconds', '1767225600123'],
    ['beyond the calendar', '1e300'],
    ['beyond all numbers', '1e999'],
    ['a list', '[1767225600]'],
    ['an object', '{"valueOf":1}'],
  ])('with an expiry that is %s does not say when it ends', (_, exp) => {
    const payload = encodePart(`{"exp":${exp},"iat":${exp}}`);
    expect(describeText(`${HEADER}.${payload}.x`)).toEqual({ kind: 'jwt', ...NOTHING });
  });

  it.each([['read'], [['read', 5]], [{ 0: 'read' }], [null]])(
    'with %j for a list of permissions or repositories has none',
    (value) => {
      expect(describeText(jwtOf({ scopes: value, repos: value }))).toEqual({ kind: 'jwt', ...NOTHING });
    },
  );

  it('keeps the fraction of a second, and the last second of the calendar', () => {
    expect(describeText(jwtOf({ iat: 0.5, exp: 253_402_300_799 }))).toMatchObject({
      issued: new Date(500),
      expires: new Date('9999-12-31T23:59:59.000Z'),
    });
  });

  it('reaches no prototype with its claims', () => {
    const payload = encodePart('{"__proto__":{"exp":1767225600},"constructor":{"prototype":{"exp":1}}}');
    expect(describeText(`${HEADER}.${payload}.x`)).toEqual({ kind: 'jwt', ...NOTHING });
    expect('exp' in {}).toBe(false);
  });
});
