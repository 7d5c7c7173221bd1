import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const server = process.env.SHARPEYES_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [vue()],
  build: {
    outDir: 'dist',
    // emptyOutDir removes dist/.gitkeep; public/.gitkeep is copied back in its place.
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': { target: server, ws: true, changeOrigin: true } } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    restoreMocks: true,
  },
})
