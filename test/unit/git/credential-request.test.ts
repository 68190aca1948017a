import { describe, expect, it } from 'vitest';

import {
  parseCredentialRequest,
  readCredentialRequest,
  scopeOfPath,
} from '../../../src/git/credential-request.ts';

const NOTHING = {
  protocol: undefined,
  host: undefined,
  path: undefined,
  username: undefined,
  password: undefined,
  capabilities: [],
};

function* piecesOf(text: string): Generator<Uint8Array> {
  for (const char of text) {
    yield Buffer.from(char);
  }
  throw new Error('nobody waits for more');
}

describe('a credential request', () => {
  it('is read as git writes it, and what is not known is ignored', () => {
    const text =
      'capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=api.mesa.dev\npath=acme/web.git\n' +
      'wwwauth[]=Basic realm="x=y"\nstate[]=osxkeychain:seen\nfuture=\n=\n'.replace('=\n', '') +
      'username=a=b\n\nhost=evil.example\n';
    expect(parseCredentialRequest(text)).toEqual({
      ...NOTHING,
      protocol: 'https',
      host: 'api.mesa.dev',
      path: 'acme/web.git',
      username: 'a=b',
      capabilities: ['authtype', 'state'],
    });
  });

  it('may be empty, and may end without a blank line', () => {
    expect(parseCredentialRequest('')).toEqual(NOTHING);
    expect(parseCredentialRequest('\n')).toEqual(NOTHING);
    expect(parseCredentialRequest('host=x')).toEqual({ ...NOTHING, host: 'x' });
  });

  it('takes the last of several values, and forgets capabilities at an empty one', () => {
    const text = 'host=a\nhost=b\ncapability[]=authtype\ncapability[]=\ncapability[]=state\n';
    expect(parseCredentialRequest(text)).toEqual({ ...NOTHING, host: 'b', capabilities: ['state'] });
  });

  it.each([
    ['a line without =', 'protocol=https\nnonsense\n'],
    ['a value without a name', '=x\n'],
    ['a carriage return in a value', 'protocol=https\nhost=api.mesa.dev\rhost=evil.example\n'],
    ['Windows line ends', 'protocol=https\r\nhost=api.mesa.dev\r\n\r\n'],
    ['a carriage return in what is ignored', 'host=api.mesa.dev\nfuture=\r\n'],
    ['a NUL', 'host=api.mesa.dev\0evil.example\n'],
    ['a line without end', `host=${'x'.repeat(16_384)}\n`],
  ])('with %s is none', (_, text) => {
    expect(parseCredentialRequest(text)).toBeUndefined();
  });

  it('is read to its blank line and no further, in whatever pieces it comes', () => {
    expect(readCredentialRequest(piecesOf('host=x\n\n'))).toEqual({ ...NOTHING, host: 'x' });
  });

  it('that never ends is given up', () => {
    let given = 0;
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        given += 1;
        yield Buffer.from(`future${given}=${'x'.repeat(1_000)}\n`);
      }
    }
    expect(readCredentialRequest(endless())).toBeUndefined();
    expect(given).toBeLessThan(100);
  });
});

it.each([
  [undefined, { kind: 'global' }],
  ['', { kind: 'global' }],
  ['acme', { kind: 'org', org: 'acme' }],
  ['acme/', { kind: 'org', org: 'acme' }],
  ['acme/web', { kind: 'repo', org: 'acme', repo: 'web' }],
  ['acme/web.git', { kind: 'repo', org: 'acme', repo: 'web' }],
  ['acme/web.git/', { kind: 'repo', org: 'acme', repo: 'web' }],
  ['acme/web.git/info/lfs', { kind: 'repo', org: 'acme', repo: 'web' }],
  ['acme/web/info/lfs', undefined],
  ['/acme/web', undefined],
  ['acme//web', undefined],
  ['acme/..', undefined],
  ['../acme/web', undefined],
  ['acme/.git', undefined],
  ['acme/web.git.git', undefined],
  ['acme/-web', undefined],
  ['ac me/web', undefined],
  ['acme/web\u00e4', undefined],
])('the path %j names %j', (path, scope) => {
  expect(scopeOfPath(path)).toEqual(scope);
});
