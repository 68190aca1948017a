export type ProgramName = 'mesa' | 'authority';
/** Of each source file, by its path below the root, the SHA-256 in hexadecimal. */
export function digestSources(name: ProgramName, root?: string): Record<string, string>;
export function recordBuild(name: ProgramName, digests: Record<string, string>, root?: string): void;
/** @throws {Error} where it is not built, or from other sources */
export function builtProgram(name: ProgramName, root?: string): string;
