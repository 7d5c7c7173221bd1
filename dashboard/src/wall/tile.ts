/** One tile's DOM. It shows what it is told and asks nobody; the wall owns its picture. */
import type { PlayerView, Sound } from './player'
import { ageText, pictureText, span, type TileState, type TileWords, type Words } from './words'

const SHAPES: Record<TileState | 'past', string> = {
  empty: '',
  past: 'M4.6 1.2v3L9.6.8v8.4L4.6 5.8v3L.4 5z',
  live: 'M5 1a4 4 0 1 1 0 8a4 4 0 0 1 0-8z',
  stale: 'M5 .8 9.6 9.2H.4z',
  offline: 'M5 .6A4.4 4.4 0 1 0 5 9.4 4.4 4.4 0 0 0 5 .6zM3.4 2.5 7.5 6.6A3 3 0 0 0 3.4 2.5zM2.5 3.4 6.6 7.5A3 3 0 0 1 2.5 3.4z',
  connecting: 'M5 .6A4.4 4.4 0 1 0 9.4 5H8A3 3 0 1 1 5 2z',
  waiting: 'M1 .8h8v1.3H7.9c0 1.5-.9 2.2-1.8 2.9 .9.7 1.8 1.4 1.8 2.9H9v1.3H1V7.9h1.1c0-1.5.9-2.2 1.8-2.9-.9-.7-1.8-1.4-1.8-2.9H1z',
  refused: 'M1 1h8v8H1zM2.4 4.2v1.6h5.2V4.2z',
  unsupported: 'M.8 1.6h8.4v6.8H.8zM2 2.8v4.4h6V2.8zM3.9 3.2 5 4.3 6.1 3.2 6.8 3.9 5.7 5 6.8 6.1 6.1 6.8 5 5.7 3.9 6.8 3.2 6.1 4.3 5 3.2 3.9z',
}
const SPEAKER = 'M.6 3.4h1.9L5.2 1.1v7.8L2.5 6.6H.6z'
const WAVES = 'M6.3 3.1a2.6 2.6 0 0 1 0 3.8M7.6 1.7a4.6 4.6 0 0 1 0 6.6'
const CROSS = 'M6.4 3.5l3 3M9.4 3.5l-3 3'
const BACK = 'M2.2 1.2v2.6h2.6M2.4 3.7A3.7 3.7 0 1 1 1.3 6'
const OPEN = 'M1 8.8V3.2h3M6 1h3v3M9 1 4.6 5.4'
const SHUT = 'M2 2l6 6M8 2l-6 6'

function el<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, parent?: HTMLElement): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  node.className = className
  parent?.append(node)
  return node
}

/** A drawing of filled and stroked paths in a square of ten. */
function drawing(className: string, parent: HTMLElement, ...paths: ('fill' | 'line')[]): SVGPathElement[] {
  const make = <K extends keyof SVGElementTagNameMap>(tag: K) => document.createElementNS('http://www.w3.org/2000/svg', tag)
  const svg = make('svg')
  svg.setAttribute('viewBox', '0 0 10 10')
  svg.setAttribute('class', className)
  svg.setAttribute('aria-hidden', 'true')
  parent.append(svg)
  return paths.map((kind) => {
    const path = make('path')
    path.setAttribute('class', kind)
    path.setAttribute('fill-rule', 'evenodd')
    svg.append(path)
    return path
  })
}

/** A small button at a tile's head; its meaning is the wall's. */
function press(className: string, parent: HTMLElement, path: string): HTMLButtonElement {
  const button = el('button', `press ${className}`, parent)
  button.type = 'button'
  button.tabIndex = -1
  const [line] = drawing('', button, 'line')
  line!.setAttribute('d', path)
  return button
}

/** Writes only what differs: sixteen tiles are told a few times a second. */
function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

function put(node: HTMLElement, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}

const WATERMARK_TIMES = 90

/** What a tile is told of its camera, a few times a second. */
export interface TileFacts {
  camera: string
  name: string
  view: PlayerView
  words: TileWords
  ageMs: number | null
  /** Age of the still that stands in for live video; null for none. */
  stillMs: number | null
  note: string
  /** Loudness in percent, for a moment after it was changed; null otherwise. */
  loudness: number | null
}

/** What a tile is told of a past that it shows in the place of its own camera. */
export interface PastFacts {
  camera: string
  name: string
  /** The time of the frame on the screen, epoch ms. */
  at: number | null
  behind: string
  clock: string
  title: string
  reason: string
  next: string
  waiting: boolean
  paused: boolean
}

export class Tile {
  readonly root: HTMLElement
  readonly stage: HTMLElement
  /** Where the picture of a past goes. */
  readonly past: HTMLElement
  /** A press of it turns the sound on or off. */
  readonly speaker: HTMLButtonElement
  #back: HTMLButtonElement
  #full: HTMLButtonElement
  #shut: HTMLButtonElement
  #marks: SVGPathElement[]
  #waves: SVGPathElement
  #name: HTMLElement
  #note: HTMLElement
  #age: HTMLElement
  #loud: HTMLElement
  #badges: HTMLElement
  #title: HTMLElement
  #reason: HTMLElement
  #next: HTMLElement
  #picture: HTMLElement
  #label: HTMLElement
  #watermark: HTMLElement
  #number: HTMLElement
  #still: HTMLElement
  #figures: HTMLElement

  #slot: number

  constructor(slot: number) {
    this.#slot = slot
    this.root = el('section', 'tile')
    this.root.tabIndex = -1
    this.root.dataset.slot = String(slot)
    this.stage = el('div', 'stage', this.root)
    this.past = el('div', 'then', this.root)
    this.#watermark = el('div', 'wm', el('div', 'wm-box', this.root))
    this.#watermark.setAttribute('aria-hidden', 'true')

    const why = el('div', 'why', this.root)
    const words = el('div', 'words', why)
    this.#marks = drawing('sign', words, 'fill')
    this.#number = el('em', 'number', words)
    this.#title = el('b', '', words)
    this.#reason = el('small', '', words)
    this.#next = el('small', 'next', words)

    const top = el('div', 'top', this.root)
    this.#marks.push(...drawing('mark', top, 'fill'))
    this.#name = el('b', 'name', top)
    this.#still = el('span', 'still-age', top)
    this.#badges = el('span', 'badges', top)
    this.speaker = el('button', 'speaker', top)
    this.speaker.type = 'button'
    this.speaker.tabIndex = -1
    const [box, waves] = drawing('', this.speaker, 'fill', 'line')
    box!.setAttribute('d', SPEAKER)
    this.#waves = waves!
    this.#loud = el('span', 'loud', this.speaker)
    this.#back = press('back', top, BACK)
    el('span', '', this.#back).textContent = '30'
    this.#full = press('full', top, OPEN)
    this.#shut = press('shut', top, SHUT)
    this.#age = el('span', 'age', top)

    this.#figures = el('dl', 'figures', this.root)
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
    delete this.root.dataset.still
    this.root.dataset.frames = '0'
    this.root.draggable = false
    put(this.root, 'aria-label', t('wall.tile_empty', { n: this.slot + 1 }))
    say(this.#number, String(this.slot + 1))
    say(this.#title, t('wall.empty'))
    this.#sound('off', null, t)
    this.figures(null)
    for (const node of [this.#name, this.#age, this.#reason, this.#next, this.#picture, this.#note, this.#label, this.#still, this.#badges]) say(node, '')
  }

  show({ camera, name, view, words, ageMs, stillMs, note, loudness }: TileFacts, t: Words): void {
    this.#state(words.state)
    const { dataset } = this.root
    if (dataset.camera !== camera) dataset.camera = camera
    const frames = String(view.frames)
    if (dataset.frames !== frames) dataset.frames = frames
    this.root.draggable = true
    const badges = words.badges.map((badge) => badge.text).join('，')
    put(this.root, 'aria-label', t('wall.tile', { n: this.slot + 1, name, state: badges ? `${words.label}，${badges}` : words.label }))
    say(this.#number, '')
    say(this.#name, name)
    const aged = words.state === 'live' || words.state === 'stale'
    say(this.#age, aged && ageMs !== null ? ageText(ageMs) : '')
    const standsIn = stillMs !== null && (words.state === 'connecting' || words.state === 'waiting')
    if (standsIn !== (dataset.still !== undefined)) {
      if (standsIn) dataset.still = ''
      else delete dataset.still
    }
    say(this.#still, standsIn ? t('wall.still', { time: span(stillMs, t) }) : '')
    say(this.#title, words.title)
    say(this.#reason, words.reason)
    say(this.#next, words.next)
    say(this.#picture, aged ? pictureText(view, t) : '')
    say(this.#note, note)
    say(this.#label, words.label)
    this.#badge(words.badges)
    this.#sound(view.sound, loudness, t)
  }

  /** Whether what was can be asked for here. */
  rewindable(may: boolean, t: Words): void {
    if (may === (this.root.dataset.rewindable !== undefined) && !may) return
    if (may) this.root.dataset.rewindable = ''
    for (const [button, word] of [[this.#back, 'back'], [this.#full, 'full'], [this.#shut, 'shut']] as const) {
      put(button, 'aria-label', t(`wall.past.${word}`))
      put(button, 'title', t(`wall.past.${word}`))
    }
  }

  showPast({ camera, name, at, behind, clock, title, reason, next, waiting, paused }: PastFacts, t: Words): void {
    this.#state('past')
    const { dataset } = this.root
    delete dataset.camera
    delete dataset.still
    dataset.past = camera
    dataset.at = at === null ? '' : String(Math.round(at))
    dataset.waiting = String(waiting)
    this.root.draggable = false
    put(this.root, 'aria-label', t('wall.tile', { n: this.slot + 1, name, state: [t('wall.state.past'), title].filter(Boolean).join('，') }))
    this.figures(null)
    this.#badge([])
    for (const [node, text] of [
      [this.#number, ''], [this.#name, name], [this.#age, behind], [this.#still, ''], [this.#title, title], [this.#reason, reason], [this.#next, next],
      [this.#picture, clock], [this.#note, ''], [this.#label, paused ? t('wall.past.paused') : '×1'],
    ] as const) say(node, text)
  }

  endPast(): void {
    const { dataset } = this.root
    delete dataset.past
    delete dataset.at
    delete dataset.waiting
  }

  /** The small figures, or null to take them away. */
  figures(rows: [label: string, value: string][] | null): void {
    const box = this.#figures
    this.root.classList.toggle('figured', rows !== null)
    if (rows === null) return box.replaceChildren()
    while (box.childElementCount < rows.length) {
      const pair = el('div', '', box)
      el('dt', '', pair)
      el('dd', '', pair)
    }
    rows.forEach(([label, value], i) => {
      const [dt, dd] = box.children[i]!.children as unknown as [HTMLElement, HTMLElement]
      say(dt, label)
      say(dd, value)
    })
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

  #badge(badges: TileWords['badges']): void {
    const key = badges.map((badge) => badge.kind + badge.text).join()
    if (this.#badges.dataset.key === key) return this.#badges.childNodes.forEach((node, i) => put(node as HTMLElement, 'title', badges[i]!.why))
    this.#badges.dataset.key = key
    this.#badges.replaceChildren(...badges.map(({ kind, text, why }) => {
      const node = el('i', kind)
      node.dataset.badge = kind
      node.title = why
      node.textContent = text
      return node
    }))
  }

  #sound(sound: Sound, loudness: number | null, t: Words): void {
    const { speaker } = this
    if (speaker.dataset.sound !== sound) {
      speaker.dataset.sound = sound
      this.#waves.setAttribute('d', sound === 'on' || sound === 'starting' ? WAVES : CROSS)
      put(speaker, 'aria-pressed', String(sound === 'on'))
    }
    put(speaker, 'aria-label', t(`wall.sound.${sound}`))
    put(speaker, 'title', t(`wall.sound.${sound}`))
    const said = sound === 'none' || sound === 'blocked' ? t(`wall.sound.${sound}_short`) : ''
    say(this.#loud, loudness === null || sound !== 'on' ? said : `${loudness}%`)
  }

  #state(state: TileState | 'past'): void {
    if (this.root.dataset.state === state) return
    if (this.root.dataset.state) this.root.classList.remove(this.root.dataset.state)
    this.root.dataset.state = state
    this.root.classList.add(state)
    for (const mark of this.#marks) mark.setAttribute('d', SHAPES[state])
  }
}
