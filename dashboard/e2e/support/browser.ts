/** Chromium, and the people who sit before it. */
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'
import { COOKIE, Api } from './api'
import { installProbe } from './probe'
import { Watch } from './watch'

const FLAGS = [
  '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--enable-unsafe-swiftshader',
  // A command centre's network ends at its wall: any name from outside is unknown there.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/** A desk as small as they come: every pixel is drawn in software here. */
export const DESK = { width: 1440, height: 900 }
export const PHONE = { width: 390, height: 844 }

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
}

/** One person's browser: its own cookies, its own watch. */
export class Person {
  readonly watch: Watch
  #api: Api | null = null

  private constructor(readonly context: BrowserContext, readonly page: Page, watch: Watch, readonly url: string) {
    this.watch = watch
  }

  static async sit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({
      viewport: DESK, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'no-preference', baseURL: url, ...options,
    })
    context.setDefaultTimeout(15_000)
    await context.addInitScript(installProbe)
    const watch = new Watch(context, url)
    return new Person(context, await context.newPage(), watch, url)
  }

  /** Takes over a session that was opened by the API, so that only its own tests go through the form. */
  async use(api: Api): Promise<this> {
    this.#api = api
    await this.context.addCookies([{ name: COOKIE, value: api.cookie, url: this.url, httpOnly: true, sameSite: 'Lax' }])
    return this
  }

  get api(): Api {
    if (!this.#api) throw new Error('nobody has signed in here')
    return this.#api
  }

  testId(id: string) {
    return this.page.getByTestId(id)
  }

  async close(): Promise<void> {
    await this.context.close()
  }
}
