/**
 * The live socket: hello, snapshot or resume, then events, states and ticks into the picture.
 *
 * Invariants:
 * - At most one socket is listened to; one given up is deaf from that moment on.
 * - Every end but a closed session leads to another try, by a jittered back-off from
 *   MIN_RETRY_MS to MAX_RETRY_MS that starts again after a tick was heard.
 * - A server silent for DEAD_TICKS ticks is gone, whatever the socket says.
 * - Each socket is told whose figures are wanted, at its greeting and at each change.
 * - The picture is kept while disconnected; `since` makes the server tell what was missed.
 */
import type { FiguresRequest, LiveFrame } from '../api/types'
import type { Picture } from '../picture/picture'

export const MIN_RETRY_MS = 500
export const MAX_RETRY_MS = 10_000
export const DEAD_TICKS = 3
/** Cameras whose figures one socket may ask for. */
const MOST_FIGURES = 64
/** From opening a socket to the whole picture. */
const GREETING_MS = 15_000
const WATCH_MS = 500

const SESSION_ENDED = 4401
const SCOPE_CHANGED = 4403
const TOO_SLOW = 4408

export interface LiveOptions {
  /** ws(s)://host/api/v1/live */
  url: string
  picture: Picture
  /** The session is over: sign in again. The socket is closed for good. */
  onSessionEnded: () => void
  /** Rights or area changed: asked before the next try; false when the session is over. Throws when unreachable. */
  refreshSession: () => Promise<boolean>
  WebSocketClass?: new (url: string) => WebSocket
  random?: () => number
}

export class Live {
  #socket: WebSocket | null = null
  #closed = true
  #attempt = 0
  #heardAt = 0
  #openedAt = 0
  #greeted = false
  #whole = false
  #tickMs = 5000
  /** Largest seen difference server clock minus ours: that of the quickest message. */
  #ahead = -Infinity
  #delayMs = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #watchTimer: ReturnType<typeof setInterval> | undefined
  #unlisten: () => void = () => undefined
  readonly #wake = () => {
    if (document.visibilityState !== 'hidden') this.retryNow()
  }

  constructor(private readonly options: LiveOptions) {}

  open(): void {
    if (!this.#closed) return
    this.#closed = false
    this.#attempt = 0
    window.addEventListener('online', this.#wake)
    document.addEventListener('visibilitychange', this.#wake)
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_MS)
    this.#unlisten = this.options.picture.on('wanted', () => this.#askFigures())
    this.#dial()
  }

  /** Ends for good: no callback comes after it. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#retryTimer)
    clearInterval(this.#watchTimer)
    this.#unlisten()
    window.removeEventListener('online', this.#wake)
    document.removeEventListener('visibilitychange', this.#wake)
    this.#drop()
  }

  /** Tries at once if a retry is being waited for. */
  retryNow(): void {
    if (this.#closed || this.#socket || this.#retryTimer === undefined) return
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    this.#dial()
  }

  #dial(): void {
    this.#retryTimer = undefined
    const { picture, url } = this.options
    this.#greeted = this.#whole = false
    this.#openedAt = this.#heardAt = Date.now()
    if (picture.connection.state !== 'connecting') this.#say('connecting')
    const target = picture.loaded ? `${url}?since=${picture.seq}` : url
    let socket: WebSocket
    try {
      socket = new (this.options.WebSocketClass ?? WebSocket)(target)
    } catch {
      return this.#retry() // a forbidden address or a mixed-content rule: say offline, keep trying
    }
    this.#socket = socket
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.#hear(message.data)
    }
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#ended(event.code)
    }
  }

  #hear(data: unknown): void {
    let frame: LiveFrame
    try {
      frame = JSON.parse(String(data)) as LiveFrame
    } catch {
      // A server that does not speak our language: what we hold cannot be trusted further.
      return this.#ended(0)
    }
    this.#heardAt = Date.now()
    const { picture } = this.options
    switch (frame.type) {
      case 'hello':
        this.#greeted = true
        this.#tickMs = Math.max(1, frame.tick_s || 5) * 1000
        this.#ahead = -Infinity
        this.#readClock(frame.server_time)
        if (picture.wanted().length > 0) this.#askFigures()
        if (frame.resumed) this.#becomeWhole()
        return
      case 'snapshot':
        picture.applySnapshot(frame)
        if (frame.part >= frame.parts) this.#becomeWhole()
        return
      case 'events':
        return picture.applyEvents(frame.items ?? [])
      case 'status':
        return picture.applyStatus(frame.items ?? [])
      case 'figures':
        return picture.applyFigures(frame.items ?? [])
      case 'tick':
        this.#attempt = 0
        this.#readClock(frame.server_time)
        picture.advance(frame.seq)
        if (this.#whole) this.#say('live')
    }
  }

  #askFigures(): void {
    if (!this.#socket || !this.#greeted) return
    const request: FiguresRequest = { type: 'figures', ids: this.options.picture.wanted().slice(0, MOST_FIGURES) }
    try {
      this.#socket.send(JSON.stringify(request))
    } catch {
      // A socket that is closing: the next one asks at its greeting.
    }
  }

  #becomeWhole(): void {
    this.#whole = true
    this.#say('live')
  }

  #readClock(iso: string): void {
    const ahead = Date.parse(iso) - Date.now()
    if (!Number.isFinite(ahead)) return
    this.#ahead = Math.max(this.#ahead, ahead)
    this.#delayMs = this.#ahead - ahead
    this.options.picture.setClockOffset(this.#ahead)
  }

  /** Looks at the silence twice a second. */
  #watch(): void {
    if (!this.#socket) return
    const now = Date.now()
    const silence = now - this.#heardAt
    if (!this.#whole) {
      if (now - this.#openedAt > GREETING_MS && silence > WATCH_MS * 2) this.#ended(0)
      return
    }
    if (silence > this.#tickMs * DEAD_TICKS) return this.#ended(0)
    if (silence > this.#tickMs * 1.6) this.#say('stale')
  }

  #ended(code: number): void {
    const greeted = this.#greeted
    this.#drop()
    if (code === SESSION_ENDED) {
      this.close()
      return this.options.onSessionEnded()
    }
    if (code === SCOPE_CHANGED) this.options.picture.clear()
    if (code === TOO_SLOW) this.#attempt = 0
    // A refused upgrade looks like a broken one: ask whether we still have a session.
    const mustAsk = code === SCOPE_CHANGED || !greeted
    this.#retry(mustAsk)
  }

  #retry(ask = false): void {
    const ceiling = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** (this.#attempt + 1))
    this.#attempt = Math.min(this.#attempt + 1, 16)
    const wait = Math.max(MIN_RETRY_MS, (ceiling / 2) * (1 + (this.options.random ?? Math.random)()))
    this.#say('offline', Date.now() + wait)
    const next = () => void (ask ? this.#askAndDial() : this.#dial())
    this.#retryTimer = setTimeout(next, wait)
  }

  async #askAndDial(): Promise<void> {
    this.#retryTimer = undefined
    this.#say('connecting')
    let known: boolean
    try {
      known = await this.options.refreshSession()
    } catch {
      if (!this.#closed) this.#retry(true)
      return
    }
    if (this.#closed) return
    if (known) return this.#dial()
    this.close()
    this.options.onSessionEnded()
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = null
    if (!socket) return
    socket.onmessage = socket.onclose = null
    try {
      socket.close()
    } catch {
      // Closing a socket that never opened may throw; it is gone either way.
    }
  }

  #say(state: 'connecting' | 'live' | 'stale' | 'offline', nextTryAt?: number): void {
    const { picture } = this.options
    const before = picture.connection
    const same = before.state === state
    const now = Date.now()
    const overdue = Math.max(0, now - this.#heardAt - this.#tickMs)
    picture.setConnection({
      state,
      since: same ? before.since : now,
      lagMs: Math.max(this.#delayMs, overdue),
      ...(nextTryAt === undefined ? {} : { nextTryAt }),
    })
  }
}
