// Pictures of the running demo: node e2e/screenshots.mjs FOLDER
import { runnerImport } from 'vite'
import { fileURLToPath } from 'node:url'

const folder = process.argv[2]
if (!folder) {
  process.stderr.write('usage: node e2e/screenshots.mjs FOLDER\n')
  process.exit(2)
}
const { module } = await runnerImport(fileURLToPath(new URL('./support/screenshots.ts', import.meta.url)), { configFile: false, logLevel: 'error' })
await module.takeAll(folder)
