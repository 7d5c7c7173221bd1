/** One picture of a playback: its DOM. It shows what it is told and asks nobody. */
import type { Said } from './words'

const WATERMARK_TIMES = 90

function el<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, parent?: HTMLElement): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  node.className = className
  parent?.append(node)
  return node
}

/** Writes only what differs: tiles are told many times a second. */
export function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export interface TileFacts {
  name: string
  said: Said
  /** The time of the frame on the screen. */
  time: string
  /** That frame's time exactly, epoch ms. */
  shownAt: number | null
  rate: string
  selected: boolean
  sounding: boolean
}

export class PlayTile {
  readonly root: HTMLElement
  readonly video: HTMLVideoElement
  #name: HTMLElement
  #time: HTMLElement
  #rate: HTMLElement
  #title: HTMLElement
  #reason: HTMLElement
  #next: HTMLElement
  #watermark: HTMLElement

  constructor(camera: string) {
    this.root = el('section', 'tile')
    this.root.dataset.camera = camera
    this.video = el('video', '', this.root)
    this.video.muted = true
    this.video.playsInline = true
    this.video.preload = 'auto'
    this.video.disablePictureInPicture = true
    this.#watermark = el('div', 'wm', el('div', 'wm-box', this.root))
    this.#watermark.setAttribute('aria-hidden', 'true')
    const why = el('div', 'why', this.root)
    el('i', 'spin', why).setAttribute('aria-hidden', 'true')
    this.#title = el('b', '', why)
    this.#reason = el('small', '', why)
    this.#next = el('small', 'next', why)
    const top = el('div', 'top', this.root)
    this.#name = el('b', 'name', top)
    this.#rate = el('span', 'rate', top)
    this.#time = el('div', 'time', this.root)
  }

  show({ name, said, time, shownAt, rate, selected, sounding }: TileFacts): void {
    const { dataset } = this.root
    if (dataset.state !== said.state) dataset.state = said.state
    const at = shownAt === null ? '' : String(Math.round(shownAt))
    if (dataset.at !== at) dataset.at = at
    this.root.classList.toggle('selected', selected)
    this.root.classList.toggle('sounding', sounding)
    say(this.#name, name)
    say(this.#time, said.state === 'ready' || said.state === 'loading' ? time : '')
    say(this.#rate, said.state === 'ready' ? rate : '')
    say(this.#title, said.title)
    say(this.#reason, said.reason)
    say(this.#next, said.next)
    const label = [name, said.title, said.reason].filter(Boolean).join('，')
    if (this.root.getAttribute('aria-label') !== label) this.root.setAttribute('aria-label', label)
  }

  watermark(text: string): void {
    say(this.#watermark, Array.from({ length: WATERMARK_TIMES }, () => text).join('\u2003\u2003\u2003'))
  }
}
