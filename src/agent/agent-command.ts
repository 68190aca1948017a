/** What the agent is started with. It is in no help: it refuses whoever types it. */
export const AGENT_COMMAND = 'run-unlock-agent';
