import { defineConfig } from 'vitest/config';

const inCi = process.env['CI'] !== undefined && process.env['CI'] !== '';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-parts.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of the long tests wait for children, not for the processor.
    maxWorkers: 2,
    reporters: inCi ? ['default', ['json', { outputFile: '.ci/results.json' }]] : ['default'],
  },
});
