const NAME = /^[\x21-\x7e]{1,256}$/;

/** Whether `value` can be a name that a server gives, as a key's id: 1 to 256 characters of ASCII without spaces. */
export function isPrintableName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}
