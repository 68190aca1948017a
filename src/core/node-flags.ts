/**
 * Whether Node was given a flag.
 * @param flag its beginning, as `--report`
 * @param given NODE_OPTIONS and what stood between `node` and the script. Node takes `_` for `-` in it, and quotes
 */
export function hasNodeFlag(flag: string, given: string): boolean {
  return given
    .replaceAll(/["'\\]/g, '')
    .replaceAll('_', '-')
    .includes(flag);
}
