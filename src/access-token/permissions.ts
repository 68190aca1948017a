/** From the weakest to the strongest; each includes those before it. The wire calls them scopes. */
export const PERMISSIONS = ['read', 'write', 'admin'] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** The permission that a word names, or undefined when it names none. Words are lower-case, without spaces. */
export function parsePermission(word: string): Permission | undefined {
  return PERMISSIONS.find((permission) => permission === word);
}

/**
 * Whether somebody with `granted` may do what needs `needed`: `write` allows `read`, an empty list allows nothing.
 * For an access token ask twice: its own permissions and those that its key has now must both allow it.
 */
export function allows(granted: readonly Permission[], needed: Permission): boolean {
  const rank = PERMISSIONS.indexOf(needed);
  return rank !== -1 && granted.some((permission) => PERMISSIONS.indexOf(permission) >= rank);
}
