export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** The hidden command that the scripts ask. Its name is in files of users: it stays. */
export const COMPLETE_COMMAND = '__complete';
