/** The demo town, run by the real binary in a folder of its own. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Role } from '../../src/api/types'
import { Api } from './api'
import { freePort, Program } from './process'

/** SHARPEYES_BIN names another binary than the one that `make build` leaves. */
export const BINARY = process.env.SHARPEYES_BIN ?? join(import.meta.dirname, '../../../bin/gateway')

export interface Account {
  role: Role
  username: string
  password: string
}

export interface TownOptions {
  /** Cameras of one's own, such as rtsp://host/cam%03d. */
  source?: string
  cameras?: number
  /** Records what its cameras send: work that most tests have no use for. */
  record?: boolean
  /** Of the process, beside the runner's own. */
  env?: NodeJS.ProcessEnv
}

export class Town {
  readonly url: string
  accounts: Account[] = []
  #program: Program | null = null

  private constructor(readonly data: string, readonly port: number, private readonly options: TownOptions) {
    this.url = `http://127.0.0.1:${port}`
  }

  static async open(options: TownOptions = {}): Promise<Town> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run make build first`)
    const town = new Town(await mkdtemp(join(tmpdir(), 'sharpeyes-e2e-')), await freePort(), options)
    await town.start()
    return town
  }

  get program(): Program {
    if (!this.#program) throw new Error('the town is not running')
    return this.#program
  }

  /** Starts the binary, on the same folder and port each time. */
  async start(): Promise<void> {
    const file = join(this.data, 'accounts.json')
    const { source, cameras, record } = this.options
    const args = ['demo', '--listen', `127.0.0.1:${this.port}`, '--data', join(this.data, 'data'), '--accounts', file]
    if (cameras !== undefined) args.push('--cameras', String(cameras))
    if (!record) args.push('--no-record')
    if (source !== undefined) args.push('--source', source)
    this.#program = await Program.start(BINARY, args, /http:\/\/[\w.:]+/, this.options.env)
    this.accounts = JSON.parse(await readFile(file, 'utf8')) as Account[]
  }

  /** As a loss of power would. */
  async kill(): Promise<void> {
    await this.program.kill()
    this.#program = null
  }

  account(role: Role): Account {
    const found = this.accounts.find((account) => account.role === role)
    if (!found) throw new Error(`the demo has no ${role}`)
    return found
  }

  /** The API, signed in as the town's person of this role. */
  as(role: Role): Promise<Api> {
    const { username, password } = this.account(role)
    return new Api(this.url).signIn(username, password)
  }

  async close(): Promise<void> {
    await this.#program?.stop()
    this.#program = null
    await rm(this.data, { recursive: true, force: true })
  }
}
