/** Of an empty repository: the id of the virtual root change (contract section 9). */
export const ROOT_CHANGE_ID = 'z'.repeat(32);

const REVERSE_HEX = 'zyxwvutsrqponmlk';

/**
 * The change id of a git commit that has none of its own, as Jujutsu makes it: the last 16 bytes of the commit id, all
 * their bits reversed, in reverse hex (jj, lib/src/git_backend.rs).
 * @param commit 40 hexadecimal digits
 */
export function changeIdOf(commit: string): string {
  const bytes = Buffer.from(commit, 'hex').subarray(4);
  return [...bytes]
    .toReversed()
    .map((byte) => reverseBits(byte))
    .map((byte) => (REVERSE_HEX[byte >> 4] ?? '') + (REVERSE_HEX[byte & 15] ?? ''))
    .join('');
}

function reverseBits(byte: number): number {
  return Number.parseInt(byte.toString(2).padStart(8, '0').split('').toReversed().join(''), 2);
}
