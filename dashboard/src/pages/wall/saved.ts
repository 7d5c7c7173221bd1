/**
 * What a wall shows, kept in the address (to share, to pin on a machine) and per user in the browser.
 * Pure but for the storage it is given. Whatever is read is checked: both can hold anything.
 */
import { isLayout, LAYOUTS, type Layout } from '../../wall'

export interface Saved {
  layout: Layout
  /** By slot; null is an empty tile. */
  cameras: (string | null)[]
}

const MOST = LAYOUTS[LAYOUTS.length - 1]!
const ID = /^[A-Za-z0-9_.:-]{1,64}$/

function checked(layout: unknown, cameras: readonly unknown[]): Saved | null {
  if (!isLayout(layout)) return null
  const seen = new Set<string>()
  const list = cameras.slice(0, MOST).map((id) => {
    if (typeof id !== 'string' || !ID.test(id) || seen.has(id)) return null
    seen.add(id)
    return id
  })
  return { layout, cameras: list.slice(0, layout) }
}

type Query = Record<string, unknown>

/** From ?l=4&c=cam000,,cam002; null when the address says nothing. */
export function fromQuery(query: Query): Saved | null {
  if (typeof query['l'] !== 'string' && typeof query['c'] !== 'string') return null
  const cameras = typeof query['c'] === 'string' ? query['c'].split(',') : []
  const asked = Number(query['l'])
  // Only cameras named: the smallest layout that holds them.
  const layout = isLayout(asked) ? asked : (LAYOUTS.find((n) => n >= cameras.length) ?? MOST)
  return checked(layout, cameras)
}

export function toQuery({ layout, cameras }: Saved): { l: string; c?: string } {
  const ids = cameras.map((id) => id ?? '').join(',').replace(/,+$/, '')
  return ids ? { l: String(layout), c: ids } : { l: String(layout) }
}

const keyOf = (user: string) => `sharpeyes.wall.${user}`

export function load(storage: Pick<Storage, 'getItem'>, user: string): Saved | null {
  try {
    const stored = JSON.parse(storage.getItem(keyOf(user)) ?? 'null') as { layout?: unknown; cameras?: unknown } | null
    return stored && Array.isArray(stored.cameras) ? checked(stored.layout, stored.cameras) : null
  } catch {
    return null
  }
}

export function store(storage: Pick<Storage, 'setItem'>, user: string, saved: Saved): void {
  try {
    storage.setItem(keyOf(user), JSON.stringify(saved))
  } catch {
    // Full or forbidden storage: the address still holds it.
  }
}
