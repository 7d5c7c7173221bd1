/** A program that a test starts, and ends by its own id. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'

const running = new Set<ChildProcess>()
// Also when the runner itself is cut short.
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

export class Program {
  /** Everything it said so far. */
  output = ''
  #child: ChildProcess
  #ended: Promise<number | string>

  private constructor(readonly name: string, path: string, args: string[], env: NodeJS.ProcessEnv) {
    const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    running.add(child)
    this.#ended = new Promise((done) => {
      child.once('error', (cause) => done(cause.message))
      child.once('close', (code, signal) => {
        running.delete(child)
        done(code ?? signal ?? 'gone')
      })
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (this.output += text.toString()))
  }

  /** Starts it and waits until it says that it is ready. */
  static async start(path: string, args: string[], ready: RegExp, env: NodeJS.ProcessEnv = {}): Promise<Program> {
    const name = args[0] ?? path
    const program = new Program(name, path, args, env)
    const said = new Promise<void>((done) => {
      const look = () => ready.test(program.output) && done()
      program.#child.stdout?.on('data', look)
    })
    const early = program.#ended.then((how) => {
      throw new Error(`${name} ended (${how}) before it was ready:\n${program.output}`)
    })
    await Promise.race([said, early])
    early.catch(() => undefined)
    return program
  }

  get pid(): number {
    return this.#child.pid!
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it at once, as a loss of power would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Ctrl-C. Milliseconds until it had ended; how it ended. */
  async stop(): Promise<{ ms: number; how: number | string }> {
    const begun = performance.now()
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGINT')
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    const how = await this.#ended
    clearTimeout(patience)
    return { ms: performance.now() - begun, how }
  }
}

/** A port of the loopback that is free now, and that nobody else is given soon. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', done)
  })
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
