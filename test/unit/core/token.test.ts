import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';

import { describe, expect, it } from 'vitest';

import { describeTokenProblem, MAX_TOKEN_BYTES, Token } from '../../../src/core/token.ts';

describe('masking', () => {
  it.each([
    ['mesa_a1b2c3d4e5f69f2c', 'mesa_****9f2c'],
    ['mesa_12345678', 'mesa_****5678'],
    ['mesa_1234567', '****'],
    ['mesa_', '****'],
    ['MESA_12345678', '****5678'],
    ['123456789abcd', '****abcd'],
    ['123456789abc', '****'],
    ['eyJhbGciOiJIUzI1NiJ9.e30.c2ln', '****c2ln'],
    ['x', '****'],
    ['*'.repeat(13), '********'],
  ])('shows %s as %s', (value, mask) => {
    expect(Token.parse(value).masked()).toBe(mask);
  });
});

describe('a token', () => {
  const SECRET = 'mesa_do-not-print-this-9f2c';
  const MASK = 'mesa_****9f2c';

  it('is revealed on request only', () => {
    expect(Token.parse(SECRET).reveal()).toBe(SECRET);
  });

  it.each<[string, (token: Token) => string]>([
    ['String()', (token) => String(token)],
    ['a template', (token) => `${token.toString()} ${String([token])}`],
    ['JSON', (token) => JSON.stringify({ token, list: [token] })],
    ['inspect', (token) => inspect(token)],
    ['inspect of what holds it', (token) => inspect({ a: { b: [new Map([['k', token]])] } }, { depth: 9 })],
    ['format', (token) => format('%s %o %O %j', token, token, token, token)],
    ['an error', (token) => inspect(new Error('no', { cause: token }))],
  ])('shows its mask through %s, never its value', (_, print) => {
    const text = print(Token.parse(SECRET));
    expect(text).toContain(MASK);
    expect(text).not.toContain('do-not-print');
  });

  it.each<[string, (token: Token) => string]>([
    ['inspect without its customs', (token) => inspect(token, { customInspect: false, showHidden: true })],
    ['a spread copy', (token) => inspect(Object.assign({}, token))],
    ['its properties', (token) => JSON.stringify(Object.getOwnPropertyDescriptors(token))],
    ['serialization', (token) => serialize(Object.assign({}, token)).toString('latin1')],
  ])('shows nothing through %s', (_, print) => {
    expect(print(Token.parse(SECRET))).not.toContain('do-not-print');
  });

  it('equals another one of the same value', () => {
    expect(Token.parse(SECRET).equals(Token.parse(SECRET))).toBe(true);
    expect(Token.parse(SECRET).equals(Token.parse(`${SECRET}x`))).toBe(false);
  });
});

describe('the value of a token', () => {
  it.each(['!', '~', 'mesa_x', `"'\\,:;`, 'x'.repeat(MAX_TOKEN_BYTES)])('can be %j', (value) => {
    expect(describeTokenProblem(value)).toBeUndefined();
  });

  it.each([
    ['', 'is empty'],
    ['SECRET ', 'contains a space or tab'],
    ['SEC\tRET', 'contains a space or tab'],
    ['SECRET\n', 'contains a line break'],
    ['SEC\r\nRET', 'contains a line break'],
    ['SEC\u0000RET', 'contains a control character'],
    ['SEC\u001bRET', 'contains a control character'],
    ['SEC\u007fRET', 'contains a control character'],
    ['\ufeffSECRET', 'starts with a byte order mark'],
    ['SECR\u00c9T', 'contains a character outside printable ASCII'],
    ['SEC\u200bRET', 'contains a character outside printable ASCII'],
    ['SEC\ud800RET', 'contains a character outside printable ASCII'],
    ['S'.repeat(MAX_TOKEN_BYTES + 1), 'is longer than 16384 bytes'],
  ])('cannot be %j, and the error names the reason without the value', (value, problem) => {
    expect(describeTokenProblem(value)).toBe(problem);
    let message = '';
    try {
      Token.parse(value);
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_KEY', exitStatus: 2 });
      message = String(error);
    }
    expect(message).toContain(problem);
    expect(message).not.toMatch(/SEC|SSS/);
  });
});
