/**
 * One element's MediaSource with its one SourceBuffer: what is appended and removed, one after the other.
 *
 * Invariants:
 * - At most one operation runs on the SourceBuffer; the next waits for its end.
 * - After close() nothing touches the element any more, and every waiting operation ends with Closed.
 */
import type { Span } from './timeline'

/** As much of MediaSource as is used here; seconds of media time. */
export interface SourceMaker {
  supported(mime: string): boolean
  make(): MediaSource
}

export const browserSource: SourceMaker = {
  supported: (mime) => typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(mime),
  make: () => new MediaSource(),
}

export const mimeOf = (codecs: string) => `video/mp4; codecs="${codecs}"`

/** It was given up, which is no fault. */
export class Closed extends Error {
  override readonly name = 'Closed'
}

export class MediaBuffer {
  #source: MediaSource
  #url = ''
  #opened: Promise<void>
  #buffer: SourceBuffer | null = null
  #codecs = ''
  #tail: Promise<void> = Promise.resolve()
  #closed = false

  constructor(private readonly video: HTMLVideoElement, maker: SourceMaker) {
    const source = maker.make()
    this.#source = source
    this.#opened = new Promise((done) => source.addEventListener('sourceopen', () => done(), { once: true }))
    this.#url = URL.createObjectURL(source)
    video.src = this.#url
  }

  /** What the element can show without asking, media seconds. */
  ranges(): Span[] {
    try {
      const buffered = this.#buffer?.buffered
      return Array.from({ length: buffered?.length ?? 0 }, (_, i) => ({ from: buffered!.start(i), to: buffered!.end(i) }))
    } catch {
      return [] // the browser has taken the buffer away, after a fault that it tells by itself
    }
  }

  /** Makes ready for an init segment of these codecs; what a broken-off run left half read is dropped. */
  begin(codecs: string): Promise<void> {
    return this.#do(async () => {
      await this.#opened
      this.#check()
      if (!this.#buffer) {
        this.#source.duration = Infinity
        this.#buffer = this.#source.addSourceBuffer(mimeOf(codecs))
      } else {
        this.#buffer.abort()
        if (codecs !== this.#codecs) this.#buffer.changeType(mimeOf(codecs))
      }
      this.#codecs = codecs
    })
  }

  append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#run((buffer) => buffer.appendBuffer(bytes))
  }

  remove(from: number, to: number): Promise<void> {
    return this.#run((buffer) => buffer.remove(Math.max(0, from), to))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    URL.revokeObjectURL(this.#url)
    this.video.removeAttribute('src')
    this.video.load() // gives the decoder back: a page has few of them
  }

  #run(act: (buffer: SourceBuffer) => void): Promise<void> {
    return this.#do(() => new Promise((done, failed) => {
      const buffer = this.#buffer
      if (!buffer) return failed(new Closed())
      const end = (fault?: Error) => {
        buffer.removeEventListener('updateend', ended)
        buffer.removeEventListener('error', broke)
        if (fault) failed(fault)
        else done()
      }
      const ended = () => end()
      const broke = () => end(new Error('the browser could not read this part of the record'))
      buffer.addEventListener('updateend', ended)
      buffer.addEventListener('error', broke)
      try {
        act(buffer)
      } catch (fault) {
        end(fault as Error)
      }
    }))
  }

  #do(act: () => Promise<void>): Promise<void> {
    const mine = this.#tail.then(() => {
      this.#check()
      return act()
    })
    this.#tail = mine.catch(() => undefined)
    return mine
  }

  #check(): void {
    if (this.#closed) throw new Closed()
  }
}
