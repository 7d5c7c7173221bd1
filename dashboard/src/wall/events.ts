/** What the wall hears from its page, and what a press on a tile meant. */
import type { Status } from '../api/types'
import type { Feed } from './feed'
import type { Spares } from './peers'

export type On = <E extends Event>(target: EventTarget, name: string, run: (event: E) => void) => void

/** Whether a press meant this part of a tile. */
export const meant = (event: Event, part: string) => event.target instanceof Element && event.target.closest(`.${part}`) !== null

/** A page put away must not leave sessions running on the server, nor a peer kept ready; one that is back goes on. */
export function listenSleep(on: On, feeds: () => readonly Feed[], spares?: Spares): void {
  spares?.make()
  on(window, 'pagehide', () => {
    feeds().forEach((feed) => feed.suspend())
    spares?.drop()
  })
  on<PageTransitionEvent>(window, 'pageshow', (event) => {
    if (!event.persisted) return
    feeds().forEach((feed) => feed.resume())
    spares?.make()
  })
  for (const event of ['online', 'offline']) on(window, event, () => spares?.drop())
  on(window, 'online', () => spares?.make())
  const wake = () => feeds().forEach((feed) => feed.nudge())
  on(window, 'online', wake)
  on(document, 'visibilitychange', () => { if (!document.hidden) wake() })
}

/** Exchanges two elements' places by CSS order alone: a moved video element would blink. */
export function exchange(a: HTMLElement, b: HTMLElement): void {
  const order = a.style.order
  a.style.order = b.style.order
  b.style.order = order
}

/** What makes a camera's state another one: only a turn is worth a new try. */
export const turnOf = (status: Status) => [status.state, status.reason, status.since, status.codec].join()
