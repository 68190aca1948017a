/** From this size on the log of uses is put aside, and a new one begun: bytes. */
export const FULL_USE_LOG_BYTES = 1024 * 1024;
