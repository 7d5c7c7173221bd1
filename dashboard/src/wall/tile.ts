/** One tile's DOM. It shows what it is told and asks nobody; the wall owns its picture. */
import type { PlayerView } from './player'
import { ageText, pictureText, type TileState, type TileWords, type Words } from './words'

const SHAPES: Record<TileState, string> = {
  empty: '',
  live: 'M5 1a4 4 0 1 1 0 8a4 4 0 0 1 0-8z',
  stale: 'M5 .8 9.6 9.2H.4z',
  offline: 'M5 .6A4.4 4.4 0 1 0 5 9.4 4.4 4.4 0 0 0 5 .6zM3.4 2.5 7.5 6.6A3 3 0 0 0 3.4 2.5zM2.5 3.4 6.6 7.5A3 3 0 0 1 2.5 3.4z',
  connecting: 'M5 .6A4.4 4.4 0 1 0 9.4 5H8A3 3 0 1 1 5 2z',
  waiting: 'M5 .6A4.4 4.4 0 1 0 9.4 5H8A3 3 0 1 1 5 2z',
  refused: 'M1 1h8v8H1zM2.4 4.2v1.6h5.2V4.2z',
}

function el<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, parent?: HTMLElement): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  node.className = className
  parent?.append(node)
  return node
}

/** Writes only what differs: sixteen tiles are told a few times a second. */
function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

const WATERMARK_TIMES = 90

export class Tile {
  readonly root: HTMLElement
  readonly stage: HTMLElement
  #mark: SVGPathElement
  #name: HTMLElement
  #note: HTMLElement
  #age: HTMLElement
  #title: HTMLElement
  #reason: HTMLElement
  #next: HTMLElement
  #picture: HTMLElement
  #label: HTMLElement
  #watermark: HTMLElement
  #number: HTMLElement

  #slot: number

  constructor(slot: number) {
    this.#slot = slot
    this.root = el('section', 'tile')
    this.root.tabIndex = -1
    this.root.dataset.slot = String(slot)
    this.stage = el('div', 'stage', this.root)
    this.#watermark = el('div', 'wm', el('div', 'wm-box', this.root))
    this.#watermark.setAttribute('aria-hidden', 'true')

    const why = el('div', 'why', this.root)
    const words = el('div', 'words', why)
    this.#number = el('em', 'number', words)
    this.#title = el('b', '', words)
    this.#reason = el('small', '', words)
    this.#next = el('small', 'next', words)

    const top = el('div', 'top', this.root)
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    svg.setAttribute('viewBox', '0 0 10 10')
    svg.setAttribute('class', 'mark')
    svg.setAttribute('aria-hidden', 'true')
    this.#mark = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    this.#mark.setAttribute('fill-rule', 'evenodd')
    svg.append(this.#mark)
    top.append(svg)
    this.#name = el('b', 'name', top)
    this.#age = el('span', 'age', top)

    const bottom = el('div', 'bot', this.root)
    this.#picture = el('span', 'picture', bottom)
    this.#note = el('span', 'note', bottom)
    this.#label = el('span', 'label', bottom)
    this.#state('empty')
    this.root.dataset.frames = '0'
  }

  get slot(): number {
    return this.#slot
  }

  set slot(slot: number) {
    this.#slot = slot
    this.root.dataset.slot = String(slot)
  }

  empty(t: Words): void {
    this.#state('empty')
    delete this.root.dataset.camera
    this.root.dataset.frames = '0'
    this.root.draggable = false
    this.root.setAttribute('aria-label', t('wall.tile_empty', { n: this.slot + 1 }))
    say(this.#number, String(this.slot + 1))
    say(this.#title, t('wall.empty'))
    for (const node of [this.#name, this.#age, this.#reason, this.#next, this.#picture, this.#note, this.#label]) say(node, '')
  }

  /** Called a few times a second and on every change of state. */
  show(camera: string, name: string, view: PlayerView, words: TileWords, note: string, t: Words): void {
    this.#state(words.state)
    const { dataset } = this.root
    if (dataset.camera !== camera) dataset.camera = camera
    const frames = String(view.frames)
    if (dataset.frames !== frames) dataset.frames = frames
    this.root.draggable = true
    const label = t('wall.tile', { n: this.slot + 1, name, state: words.label })
    if (this.root.getAttribute('aria-label') !== label) this.root.setAttribute('aria-label', label)
    say(this.#number, '')
    say(this.#name, name)
    const aged = words.state === 'live' || words.state === 'stale'
    say(this.#age, aged && view.ageMs !== null ? ageText(view.ageMs) : '')
    say(this.#title, words.title)
    say(this.#reason, words.reason)
    say(this.#next, words.next)
    say(this.#picture, words.state === 'live' || words.state === 'stale' ? pictureText(view, t) : '')
    say(this.#note, note)
    say(this.#label, words.label)
  }

  watermark(text: string): void {
    say(this.#watermark, Array.from({ length: WATERMARK_TIMES }, () => text).join('\u2003\u2003\u2003'))
  }

  mark(selected: boolean, alarm: boolean): void {
    this.root.classList.toggle('selected', selected)
    this.root.classList.toggle('alarm', alarm)
    this.root.setAttribute('aria-current', String(selected))
    this.root.tabIndex = selected ? 0 : -1
  }

  #state(state: TileState): void {
    if (this.root.dataset.state === state) return
    if (this.root.dataset.state) this.root.classList.remove(this.root.dataset.state)
    this.root.dataset.state = state
    this.root.classList.add(state)
    this.#mark.setAttribute('d', SHAPES[state])
  }
}
