import { defineConfig } from 'vitest/config'

/** Browser tests: one file at a time, because each brings a town of 24 cameras and a browser of its own. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    environment: 'node',
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000, interval: 50 } },
    teardownTimeout: 20_000,
    // The tests' own lines are measurements: shown as they are.
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
})
