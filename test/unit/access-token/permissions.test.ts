import { describe, expect, it } from 'vitest';

import {
  allows,
  parsePermission,
  PERMISSIONS,
  type Permission,
} from '../../../src/access-token/permissions.ts';

describe('a permission', () => {
  it('is one of three words, in this spelling alone', () => {
    expect(PERMISSIONS.map(parsePermission)).toEqual(['read', 'write', 'admin']);
    for (const word of ['', 'Read', ' read', 'read ', 'owner', 'read,write', '__proto__', 'length', '0']) {
      expect(parsePermission(word), word).toBeUndefined();
    }
  });

  it.each<[Permission[], Permission[]]>([
    [[], []],
    [['read'], ['read']],
    [['write'], ['read', 'write']],
    [['admin'], ['read', 'write', 'admin']],
    [
      ['write', 'read'],
      ['read', 'write'],
    ],
    [
      ['read', 'admin'],
      ['read', 'write', 'admin'],
    ],
  ])('includes those below it: %j allows %j and nothing else', (granted, allowed) => {
    expect(PERMISSIONS.filter((needed) => allows(granted, needed))).toEqual(allowed);
  });

  it('that does not exist neither grants anything nor is granted', () => {
    expect(allows(['owner' as Permission], 'read')).toBe(false);
    expect(allows(['admin'], 'owner' as Permission)).toBe(false);
  });
});
