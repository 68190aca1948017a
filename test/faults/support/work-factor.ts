/** Low enough that a derivation takes a millisecond. */
export const WORK_FACTOR = 10;
