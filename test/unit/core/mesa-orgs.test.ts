import { describe, expect, it } from 'vitest';

import { parseMesaOrgs } from '../../../src/core/mesa-orgs.ts';

function parsed(value: string): Record<string, string> {
  return Object.fromEntries(Array.from(parseMesaOrgs(value), ([org, token]) => [org, token.reveal()]));
}

describe('MESA_ORGS is accepted', () => {
  it.each<[string, string, Record<string, string>]>([
    ['with one entry', 'acme:mesa_x', { acme: 'mesa_x' }],
    ['with several', 'acme:mesa_x,other:mesa_y', { acme: 'mesa_x', other: 'mesa_y' }],
    ['with blanks around entries', ' acme:mesa_x ,\tother:mesa_y\n', { acme: 'mesa_x', other: 'mesa_y' }],
    ['with one trailing comma', 'acme:mesa_x,', { acme: 'mesa_x' }],
    ['with a blank behind the trailing comma', 'acme:mesa_x, ', { acme: 'mesa_x' }],
    ['with colons in the token', 'acme:a:b::c', { acme: 'a:b::c' }],
    ['with the same entry twice', 'acme:mesa_x,acme:mesa_x', { acme: 'mesa_x' }],
    ['with the name of an object member', 'constructor:x,toString:y', { constructor: 'x', toString: 'y' }],
    ['when it is empty', '', {}],
    ['when it is blank', ' \t ', {}],
  ])('%s', (_, value, expected) => {
    expect(parsed(value)).toEqual(expected);
  });

  it('keeps the order of the entries', () => {
    expect([...parseMesaOrgs('b:1,a:2,c:3').keys()]).toEqual(['b', 'a', 'c']);
  });

  it('up to 1,000 entries and 65,536 bytes', () => {
    const entries = Array.from({ length: 1_000 }, (_, index) => `org${index}:t`);
    expect(parseMesaOrgs(entries.join(',')).size).toBe(1_000);
    expect(parseMesaOrgs(`${entries.join(',')},`).size).toBe(1_000);
    const token = 't'.repeat(16_378);
    const full = ['aaaa', 'bbbb', 'cccc', 'dddd'].map((org) => `${org}:${token}`).join(',');
    expect(parseMesaOrgs(full.padEnd(65_536)).size).toBe(4);
  });
});

describe('MESA_ORGS is rejected as a whole', () => {
  const MANY = Array.from({ length: 1_001 }, (_, index) => `org${index}:SECRET`).join(',');

  it.each([
    ['a lone comma', ',', 'MESA_ORGS entry 1 is empty'],
    ['two trailing commas', 'acme:SECRET,,', 'MESA_ORGS entry 2 is empty'],
    ['a leading comma', ',acme:SECRET', 'MESA_ORGS entry 1 is empty'],
    ['an empty entry', 'acme:SECRET, ,other:SECRET', 'MESA_ORGS entry 2 is empty'],
    ['no colon', 'SECRET', 'MESA_ORGS entry 1 has no colon'],
    ['a comma in a token', 'acme:SECRET,SECRET', 'MESA_ORGS entry 2 has no colon'],
    ['no token', 'acme:', 'MESA_ORGS entry 1 has a token that is empty'],
    ['no organization', ':SECRET', 'MESA_ORGS entry 1 does not start with an organization name'],
    [
      'a bad organization',
      'ok:SECRET,SECRET/x:y',
      'MESA_ORGS entry 2 does not start with an organization name',
    ],
    [
      'a blank before the colon',
      'acme :SECRET',
      'MESA_ORGS entry 1 does not start with an organization name',
    ],
    [
      'a blank behind the colon',
      'acme: SECRET',
      'MESA_ORGS entry 1 has a token that contains a space or tab',
    ],
    ['__proto__', '__proto__:SECRET', 'MESA_ORGS entry 1 does not start with an organization name'],
    ['a line break in a token', 'a:SEC\nRET', 'MESA_ORGS entry 1 has a token that contains a line break'],
    [
      'an invisible character',
      'a:SECRET\u200b',
      'MESA_ORGS entry 1 has a token that contains a character outside',
    ],
    [
      'two tokens for one organization',
      'acme:SECRET1,other:x,acme:SECRET2',
      'MESA_ORGS entry 3 names an organization that has another token already',
    ],
    [
      'a token that is too long',
      `a:${'S'.repeat(16_385)}`,
      'MESA_ORGS entry 1 has a token that is longer than',
    ],
    ['too many entries', MANY, 'MESA_ORGS has more than 1000 entries'],
    ['too many bytes', `acme:SECRET${','.repeat(65_530)}`, 'MESA_ORGS is longer than 65536 bytes'],
    ['too many bytes of long characters', '\u20ac'.repeat(30_000), 'MESA_ORGS is longer than 65536 bytes'],
  ])('for %s, naming the entry and never its text', (_, value, message) => {
    let error: unknown;
    try {
      parseMesaOrgs(value);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'INVALID_MESA_ORGS',
      exitStatus: 2,
      message: expect.stringContaining(message),
    });
    expect(JSON.stringify([String(error), error])).not.toMatch(/SEC|RET|SSS|__proto__/);
  });
});
