/** What stands on the map beside the drawing: zoom buttons, the tooltip, the list of a crowded spot. Plain DOM. */
import { show, type Translate } from './layer'
import type { Map as MapLibre } from 'maplibre-gl'

function button(label: string, text: string, run: () => void): HTMLButtonElement {
  const node = document.createElement('button')
  node.type = 'button'
  node.textContent = text
  node.title = label
  node.setAttribute('aria-label', label)
  node.addEventListener('click', run)
  return node
}

export function zoomButtons(el: HTMLElement, map: MapLibre, t: Translate, home: (() => void) | null): () => void {
  const box = document.createElement('div')
  box.className = 'se-map-zoom'
  box.append(button(t('map.zoom_in'), '+', () => void map.zoomIn()), button(t('map.zoom_out'), '−', () => void map.zoomOut()))
  if (home) box.append(button(t('map.home'), '⌂', home))
  el.append(box)
  return () => box.remove()
}

export interface LegendItem {
  name: string
  label: string
  /** CSS class that draws its sign. */
  sign: string
  layers: readonly string[]
}

/** The layers that can be put away, as a list of switches. */
export function legend(el: HTMLElement, t: Translate, items: readonly LegendItem[], hidden: ReadonlySet<string>, toggle: (name: string, on: boolean) => void): () => void {
  const box = document.createElement('div')
  box.className = 'se-map-legend'
  box.setAttribute('role', 'group')
  box.setAttribute('aria-label', t('map.layers'))
  for (const item of items) {
    const node = button(item.label, item.label, () => {
      const on = node.getAttribute('aria-pressed') !== 'true'
      node.setAttribute('aria-pressed', String(on))
      toggle(item.name, on)
    })
    node.setAttribute('aria-pressed', String(!hidden.has(item.name)))
    node.removeAttribute('title')
    const sign = document.createElement('i')
    sign.className = `sign ${item.sign}`
    node.prepend(sign)
    box.append(node)
  }
  el.append(box)
  return () => box.remove()
}

export function applyHidden(map: MapLibre, items: readonly LegendItem[], hidden: ReadonlySet<string>): void {
  for (const item of items) show(map, item.layers, !hidden.has(item.name))
}

export class Tooltip {
  #box = document.createElement('div')

  constructor(el: HTMLElement) {
    this.#box.className = 'se-map-tip'
    this.#box.hidden = true
    el.append(this.#box)
  }

  show(x: number, y: number, title: string, detail: string): void {
    const key = `${title}\n${detail}`
    if (this.#box.dataset.key !== key) {
      this.#box.dataset.key = key
      const strong = document.createElement('b')
      strong.textContent = title
      const small = document.createElement('span')
      small.textContent = detail
      this.#box.replaceChildren(strong, ...(detail ? [small] : []))
    }
    this.#box.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, calc(-100% - 18px))`
    this.#box.hidden = false
  }

  hide(): void {
    this.#box.hidden = true
  }

  remove(): void {
    this.#box.remove()
  }
}

export interface Choice {
  key: string
  /** CSS class and colour of its sign. */
  sign: string
  title: string
  detail: string
}

/** Items too close to be told apart, as a list; arrow keys walk it, Enter takes, Escape closes. */
export class ChoiceList {
  #box: HTMLElement | null = null
  #back: HTMLElement | null = null

  constructor(private readonly el: HTMLElement, private readonly t: Translate) {}

  get isOpen(): boolean {
    return this.#box !== null
  }

  open(x: number, y: number, choices: readonly Choice[], take: (key: string) => void): void {
    this.close()
    const box = document.createElement('div')
    box.className = 'se-map-choices'
    box.setAttribute('role', 'menu')
    box.setAttribute('aria-label', this.t('map.here', { n: choices.length }))
    const head = document.createElement('p')
    head.textContent = this.t('map.here', { n: choices.length })
    box.append(head)
    for (const choice of choices) {
      const node = button(choice.title, '', () => {
        this.close()
        take(choice.key)
      })
      node.setAttribute('role', 'menuitem')
      const sign = document.createElement('i')
      sign.className = `sign ${choice.sign}`
      const title = document.createElement('b')
      title.textContent = choice.title
      const detail = document.createElement('span')
      detail.textContent = choice.detail
      node.append(sign, title, detail)
      box.append(node)
    }
    box.addEventListener('keydown', (event) => this.#key(event))
    this.#back = document.activeElement instanceof HTMLElement ? document.activeElement : null
    this.el.append(box)
    this.#box = box
    const { clientWidth, clientHeight } = this.el
    box.style.left = `${Math.max(8, Math.min(x + 12, clientWidth - box.offsetWidth - 8))}px`
    box.style.top = `${Math.max(8, Math.min(y - 12, clientHeight - box.offsetHeight - 8))}px`
    box.querySelector<HTMLElement>('button')?.focus({ preventScroll: true })
  }

  close(): void {
    if (!this.#box) return
    const inside = this.#box.contains(document.activeElement)
    this.#box.remove()
    this.#box = null
    if (inside) this.#back?.focus({ preventScroll: true })
  }

  #key(event: KeyboardEvent): void {
    const items = [...(this.#box?.querySelectorAll<HTMLElement>('button') ?? [])]
    const at = items.indexOf(document.activeElement as HTMLElement)
    if (event.key === 'ArrowDown') items[(at + 1) % items.length]?.focus()
    else if (event.key === 'ArrowUp') items[(at - 1 + items.length) % items.length]?.focus()
    else if (event.key === 'Escape') this.close()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}
