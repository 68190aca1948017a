declare const MESA_VERSION: string;

/** The version in package.json, put here by the build. */
export const VERSION: string = MESA_VERSION;
