import { describe, expect, it } from 'vitest';

import { describeKeyProblem, parseIncomingKey, readIncomingKey } from '../../../src/core/incoming-key.ts';

const NAME = { name: 'the key' };
const MASKS = [
  'mesa_****9f2c',
  '****',
  '****9f2c',
  '***',
  '*',
  'ab12****cd34',
  'mesa_...9f2c',
  'sk-...',
  '[REDACTED]',
];
const QUOTED = [
  '"mesa_Hd5rB7yKc0de"',
  "'mesa_Hd5rB7yKc0de'",
  '`abc`',
  '""',
  '"mesa_Hd5rB7yKc0de',
  "mesa_Hd5rB7yKc0de'",
];
const UNEXPANDED = [
  '$TOKEN',
  '$MESA_TOKEN',
  '${TOKEN}',
  '${TOKEN:-}',
  '\\$TOKEN',
  'mesa_${TOKEN}',
  '$(pass)',
  '$1',
  '${{secrets.TOKEN}}',
  '{{token}}',
  '%TOKEN%',
  '$env:TOKEN',
];
const MISSING = ['undefined', 'null', 'NULL', 'None', 'nil', '<nil>', 'NaN', '(null)', 'n/a'];
const ASSIGNMENTS = [
  'MESA_API_KEY=mesa_Hd5rB7yKc0de',
  'TOKEN=x',
  'api_key=abcdef',
  'token="abc"',
  'Authorization:abc',
  'acme:mesa_Hd5rB7yKc0de',
  '{"key":"mesa_Hd5rB7yKc0de"}',
];
const PLACEHOLDERS = ['<token>', '<your-api-key>', 'YOUR_API_KEY', 'your-token-here'];
const OPAQUE = [
  'mesa_Hd5rB7yKc0de',
  'eyJhbGciOiJIUzI1NiJ9.e30.signature',
  'eyJhbGciOiJkaXIifQ..iv.ciphertext.tag',
  'dGVzdA==',
  'JBSWY3DPEHPK3PXP====',
  'c2VjcmV0a2V5==',
  '550e8400-e29b-41d4-a716-446655440000',
  '123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11',
  'secret-token:E92FB7EB-D882-47A4-A265-A0B6135DC842',
  'ghp_0123456789abcdefghij',
  '$2b$12$abcdefghijklmnopqrstuv',
  '"a,b:c\'d\\e#f=[g]$h%i!',
  'mesa_100%_printable',
  'key/with+slashes=',
  '~',
  'nullable',
  'undefined1',
  'a**b',
  'x'.repeat(16_384),
];

describe('what stands for a key is refused by what it looks like, never by its value', () => {
  it.each([
    ...MASKS.map((value) => [value, 'looks like a mask of a key']),
    ...QUOTED.map((value) => [value, 'is in quotes']),
    ...UNEXPANDED.map((value) => [value, 'looks like a variable that was not expanded']),
    ...MISSING.map((value) => [value, 'looks like a missing value, not like a key']),
    ...ASSIGNMENTS.map((value) => [value, 'looks like an assignment']),
    ...PLACEHOLDERS.map((value) => [value, 'looks like a placeholder']),
    ['MESA_API_KEY', 'looks like the name of a variable'],
    ['op://vault/item/field', 'looks like an address'],
  ])('%s %s', (value = '', problem) => {
    expect(describeKeyProblem(value)).toBe(problem);
    expect(() => parseIncomingKey(`${value}\n`, NAME)).toThrow(
      expect.objectContaining({ code: 'INVALID_KEY', exitStatus: 2, message: `the key ${problem}` }),
    );
    expect(() => readIncomingKey([Buffer.from(value)], NAME)).toThrow(`the key ${problem}`);
    expect(parseIncomingKey(`${value}\r\n`, { ...NAME, anyKey: true }).reveal()).toBe(value);
  });

  it.each(OPAQUE)('%s is a key', (value) => {
    expect(describeKeyProblem(value)).toBeUndefined();
    expect(parseIncomingKey(`${value}\n`, NAME).reveal()).toBe(value);
  });

  it('tells the longest values apart as quickly as short ones', () => {
    const started = performance.now();
    for (const piece of ['key', '*', '$', '${', '$(', '"', '=', '<', 'your-', '{', '%', 'a.']) {
      describeKeyProblem(piece.repeat(16_384 / piece.length));
    }
    expect(performance.now() - started).toBeLessThan(500);
  });
});

it.each([
  ['', 'is empty'],
  ['\n', 'is empty'],
  ['mesa_x\n\n', 'contains a line break'],
  [' mesa_x', 'contains a space or tab'],
  ['mesa_x\u00a0', 'contains a character outside printable ASCII'],
  ['\ufeffmesa_x', 'starts with a byte order mark'],
  ['mesa_x\ufffd', 'contains bytes that are not UTF-8'],
  ['mesa_x\0', 'contains a control character'],
  ['x'.repeat(16_385), 'is longer than 16384 bytes'],
])('whoever insists gets no malformed key in, either (%#)', (text, problem) => {
  expect(() => parseIncomingKey(text, { ...NAME, anyKey: true })).toThrow(`the key ${problem}`);
});
