declare const MESA_VERSION: string;

/** The version in package.json, put here by the build. */
export const VERSION: string = MESA_VERSION;

/** What the unlock agent is started with. It is in no help: it refuses whoever types it. */
export const AGENT_COMMAND = 'run-unlock-agent';
