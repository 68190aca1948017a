import { describeOldNode } from '../core/node-floor.ts';

// Whoever loads the library learns at once what would fail later, and obscurely.
const refusal = describeOldNode('mesa-auth', process.version);
if (refusal !== undefined) {
  throw new Error(`mesa-auth: ${refusal}`);
}
