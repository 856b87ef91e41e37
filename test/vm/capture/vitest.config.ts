import { defineConfig } from 'vitest/config'

/** Writes fixtures from real guests. Apart from the tests: it must not run with them, nor need a built vqtune. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.capture.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
