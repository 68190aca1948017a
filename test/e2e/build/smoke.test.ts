import { expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { createTempHome } from '../../support/temp-home.ts';

it('prints its version alone on stdout', async () => {
  const home = createTempHome();
  const result = await runMesa(['--version'], { home });
  expect(result).toMatchObject({ status: 0, stdout: '0.1.0\n', stderr: '' });
  expect(home.tree()).toEqual([]);
});
