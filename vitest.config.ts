import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    disableConsoleIntercept: true,
    pool: 'forks',
    // Most suites wait for other processes most of the time.
    maxWorkers: 4,
    reporters: ['default', './test/support/closing-line-reporter.ts'],
  },
})
