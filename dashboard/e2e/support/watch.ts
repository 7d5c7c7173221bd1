/**
 * Everything that goes wrong in a browser context, and every address it asks for.
 *
 * A console error, a page error, a request that failed or was answered with 400 or more: each is a
 * fault, unless the test named it beforehand. So is a request to any origin but the server's own.
 */
import type { BrowserContext, Page } from 'playwright-core'

export class Watch {
  /** Every address asked for. */
  readonly requests: string[] = []
  readonly faults: string[] = []
  #allowed: { pattern: RegExp; why: string; times: number }[] = []

  constructor(context: BrowserContext, private readonly origin: string) {
    context.on('request', (request) => this.#asked(request.url()))
    context.on('response', (response) => {
      if (response.status() >= 400) this.#fault(`${response.status()} ${response.request().method()} ${this.#short(response.url())}`)
    })
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'failed'
      // The page itself gave the request up: an older question, or a page that was left.
      if (why === 'net::ERR_ABORTED') return
      this.#fault(`${why} ${request.method()} ${this.#short(request.url())}`)
    })
    context.on('console', (message) => {
      if (message.type() === 'error') this.#fault(`console: ${message.text()} (${this.#short(message.location().url)})`)
    })
    context.on('weberror', (error) => this.#fault(`page error: ${error.error().stack ?? error.error().message}`))
    context.on('page', (page) => this.#page(page))
  }

  /** From now on this is no fault; why is for who reads the test. */
  allow(pattern: RegExp, why: string): void {
    this.#allowed.push({ pattern, why, times: 0 })
  }

  /** How often something allowed happened. */
  happened(pattern: RegExp): number {
    return this.#allowed.find((one) => String(one.pattern) === String(pattern))?.times ?? 0
  }

  /** Requests that went somewhere else than to the server. */
  foreign(): string[] {
    return this.requests.filter((url) => !/^(data|blob):/.test(url) && new URL(url.replace(/^ws/, 'http')).origin !== this.origin)
  }

  #page(page: Page): void {
    page.on('websocket', (socket) => this.#asked(socket.url()))
    page.on('crash', () => this.#fault('the page crashed'))
  }

  #asked(url: string): void {
    this.requests.push(url)
  }

  #short(url: string): string {
    return url.startsWith(this.origin) ? url.slice(this.origin.length) : url
  }

  #fault(fault: string): void {
    const allowed = this.#allowed.find(({ pattern }) => pattern.test(fault))
    if (allowed) allowed.times++
    else this.faults.push(fault)
  }
}
