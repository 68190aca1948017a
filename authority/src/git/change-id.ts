/** Of an empty repository: the id of the virtual root change (contract section 9). */
export const ROOT_CHANGE_ID = 'z'.repeat(32);

const REVERSE_HEX = 'zyxwvutsrqponmlk';

/**
 * The change id that a commit carries, as Jujutsu writes it: a header `change-id` of 32 letters k to z (jj,
 * lib/src/git_backend.rs, `extract_change_id_from_commit`).
 * @param object the commit as git stores it
 * @returns undefined when it has none, or none that Jujutsu would take
 */
export function ownChangeIdOf(object: string): string | undefined {
  const [headers = ''] = object.split('\n\n', 1);
  return /^change-id ([k-z]{32})$/m.exec(headers)?.[1];
}

/**
 * The change id of a commit that has none of its own, as Jujutsu makes it: the last 16 bytes of the commit id, all their
 * bits reversed, in reverse hex (jj, lib/src/git_backend.rs, `synthetic_change_id_from_git_commit_id`).
 * @param commit 40 hexadecimal digits
 */
export function syntheticChangeIdOf(commit: string): string {
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
