import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { TestReport } from './testReport.ts';

/** Stories in real windows, one after the other: they share a screen and two processor cores. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: 'build/buildForTests.ts',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 20_000 } },
    fileParallelism: false,
    reporters: ['default', new TestReport()],
  },
});
