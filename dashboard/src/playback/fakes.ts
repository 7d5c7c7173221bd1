/** A browser's MediaSource and a record for the tests of this room: no decoder, no network, times by the test. */
import type { SourceMaker } from './buffer'
import type { MediaDoor, RunAsk } from './door'
import { SECOND, type Span } from './timeline'

type Listener = () => void

class Target {
  #listeners = new Map<string, Set<Listener>>()
  addEventListener(name: string, run: Listener) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(run))
  }
  removeEventListener(name: string, run: Listener) {
    this.#listeners.get(name)?.delete(run)
  }
  tell(name: string) {
    for (const run of [...(this.#listeners.get(name) ?? [])]) run()
  }
}

/** Bytes of a run are its span in media seconds, as text. */
class FakeBuffer extends Target {
  spans: Span[] = []
  types: string[] = []
  aborts = 0
  /** The next append fails for want of room. */
  full = false

  get buffered() {
    return { length: this.spans.length, start: (i: number) => this.spans[i]!.from, end: (i: number) => this.spans[i]!.to }
  }
  appendBuffer(bytes: Uint8Array) {
    if (this.full) {
      this.full = false
      throw new DOMException('full', 'QuotaExceededError')
    }
    const [from, to] = new TextDecoder().decode(bytes).split(' ').map(Number)
    this.spans = joined([...this.spans, { from: from!, to: to! }])
    queueMicrotask(() => this.tell('updateend'))
  }
  remove(from: number, to: number) {
    this.spans = this.spans.flatMap((span) => [{ from: span.from, to: Math.min(span.to, from) }, { from: Math.max(span.from, to), to: span.to }]).filter((span) => span.to > span.from)
    queueMicrotask(() => this.tell('updateend'))
  }
  changeType(type: string) {
    this.types.push(type)
  }
  abort() {
    this.aborts++
  }
}

function joined(spans: Span[]): Span[] {
  const out: Span[] = []
  for (const span of spans.sort((a, b) => a.from - b.from)) {
    const last = out.at(-1)
    if (last && span.from <= last.to + 0.01) last.to = Math.max(last.to, span.to)
    else out.push({ ...span })
  }
  return out
}

export class FakeSource extends Target {
  static made: FakeSource[] = []
  duration = NaN
  buffer = new FakeBuffer()
  addSourceBuffer(type: string) {
    this.buffer.types.push(type)
    return this.buffer
  }
}

export const fakeMaker: SourceMaker = {
  supported: (mime) => !mime.includes('hvc1'),
  make() {
    const source = new FakeSource()
    FakeSource.made.push(source)
    queueMicrotask(() => source.tell('sourceopen'))
    return source as unknown as MediaSource
  },
}

export class FakeVideo extends Target {
  currentTime = 0
  playbackRate = 1
  seeking = false
  readyState = 4
  paused = true
  muted = true
  error: { message: string } | null = null
  src = ''
  play() {
    this.paused = false
    return Promise.resolve()
  }
  pause() {
    this.paused = true
  }
  load() {}
  removeAttribute() {
    this.src = ''
  }
}

/** A record of key frames every two seconds. */
export class FakeDoor implements MediaDoor {
  asked: RunAsk[] = []
  codecs = 'avc1.64001f'
  /** Answers instead of footage, one after the other. */
  failing: (number | Error)[] = []
  /** Runs are held back until the test lets them go. */
  held: (() => void)[] | null = null

  constructor(public ranges: Span[]) {}

  async run(ask: RunAsk, signal: AbortSignal): Promise<Response> {
    this.asked.push(ask)
    if (this.held) await new Promise<void>((go) => this.held!.push(go))
    signal.throwIfAborted()
    const fault = this.failing.shift()
    if (fault instanceof Error) throw fault
    if (fault) return new Response('{}', { status: fault })
    const range = this.ranges.find((one) => ask.at >= one.from && ask.at < one.to)
    if (!range) return new Response('{}', { status: 404 })
    const from = Math.max(range.from, ask.at - ((ask.at - range.from) % (2 * SECOND)))
    const to = Math.min(range.to, from + Math.ceil(ask.seconds / 2) * 2 * SECOND)
    const next = to < range.to ? to : this.ranges.find((one) => one.from > to)?.from
    const media = (at: number) => (at - ask.epoch) / SECOND
    return new Response(`${media(from)} ${media(to)}`, {
      headers: { 'X-Codecs': this.codecs, 'X-From': iso(from), 'X-To': iso(to), ...(next === undefined ? {} : { 'X-Next': iso(next) }) },
    })
  }

  keyframes(_camera: string, _profile: string, before: number): Promise<number[]> {
    return Promise.resolve([before - 4 * SECOND, before - 2 * SECOND])
  }
}

const iso = (at: number) => new Date(at).toISOString()
