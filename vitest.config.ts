import { defineConfig } from 'vitest/config';

const inCi = process.env['CI'] !== undefined && process.env['CI'] !== '';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    reporters: inCi ? ['default', ['json', { outputFile: '.ci/results.json' }]] : ['default'],
  },
});
