/**
 * Keeps a GeoJSON source equal to what should be drawn, by differences.
 *
 * Invariants:
 * - A feature that would look the same is not sent again.
 * - At most one sending per animation frame and per `everyMs`; what comes meanwhile is gathered by id,
 *   so the work waiting is bounded by the number of features.
 */
import type { GeoJSONSourceDiff } from 'maplibre-gl'

export type Props = Record<string, string | number | boolean>
export interface Drawable {
  geometry: { type: 'Point' | 'Polygon' | 'MultiPolygon'; coordinates: unknown }
  properties: Props
}
export interface Target {
  updateData(diff: GeoJSONSourceDiff): Promise<void>
}

function sameGeometry(a: Drawable['geometry'], b: Drawable['geometry']): boolean {
  if (a === b) return true
  if (a.type !== b.type) return false
  if (a.type === 'Point') {
    const [p, q] = [a.coordinates as number[], b.coordinates as number[]]
    return p[0] === q[0] && p[1] === q[1]
  }
  return JSON.stringify(a.coordinates) === JSON.stringify(b.coordinates)
}

/** What turns `drawn` into `wanted` for these ids, or null for nothing; `drawn` is brought up to date. */
export function diffFeatures(drawn: Map<string, Drawable>, wanted: Iterable<readonly [string, Drawable | null]>): GeoJSONSourceDiff | null {
  const add: GeoJSON.Feature[] = []
  const remove: string[] = []
  const update: NonNullable<GeoJSONSourceDiff['update']> = []
  for (const [id, next] of wanted) {
    const before = drawn.get(id)
    if (!next) {
      if (before) remove.push(id)
      drawn.delete(id)
      continue
    }
    drawn.set(id, next)
    if (!before) {
      add.push({ type: 'Feature', geometry: next.geometry as GeoJSON.Geometry, properties: { ...next.properties, id } })
      continue
    }
    const changed = Object.entries(next.properties).filter(([key, value]) => before.properties[key] !== value)
    const gone = Object.keys(before.properties).filter((key) => !(key in next.properties))
    const moved = !sameGeometry(before.geometry, next.geometry)
    if (changed.length === 0 && gone.length === 0 && !moved) continue
    update.push({
      id,
      ...(moved ? { newGeometry: next.geometry as GeoJSON.Geometry } : {}),
      ...(gone.length ? { removeProperties: gone } : {}),
      ...(changed.length ? { addOrUpdateProperties: changed.map(([key, value]) => ({ key, value })) } : {}),
    })
  }
  if (add.length + remove.length + update.length === 0) return null
  return { ...(add.length ? { add } : {}), ...(remove.length ? { remove } : {}), ...(update.length ? { update } : {}) }
}

export interface DrawnOptions {
  target: Target
  /** Every id that might be drawn. */
  ids(): Iterable<string>
  /** How it should look now; null for not at all. */
  build(id: string): Drawable | null
  /** How many are drawn, told when the source has taken them. */
  onCount?(count: number): void
  everyMs?: number
  frame?(run: () => void): () => void
}

/** The next animation frame; a hidden page has none, so a timer stands in. */
export function nextFrame(run: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(run, 100)
    return () => clearTimeout(timer)
  }
  const handle = requestAnimationFrame(run)
  return () => cancelAnimationFrame(handle)
}

export class Drawn {
  #drawn = new Map<string, Drawable>()
  #dirty: Set<string> | null = new Set()
  #cancel: (() => void) | null = null
  #sending = false
  #last = -Infinity
  #ended = false

  constructor(private readonly options: DrawnOptions) {}

  /** These ids may look different now; null for all. */
  touch(ids: Iterable<string> | null): void {
    if (ids === null) this.#dirty = null
    else if (this.#dirty) for (const id of ids) this.#dirty.add(id)
    this.#plan()
  }

  end(): void {
    this.#ended = true
    this.#cancel?.()
  }

  #plan(): void {
    if (this.#cancel || this.#sending || this.#ended) return
    if (this.#dirty && this.#dirty.size === 0) return
    const wait = (this.options.everyMs ?? 0) - (performance.now() - this.#last)
    if (wait > 16) {
      const timer = setTimeout(() => { this.#cancel = null; this.#plan() }, wait)
      this.#cancel = () => clearTimeout(timer)
    } else this.#cancel = (this.options.frame ?? nextFrame)(() => { this.#cancel = null; void this.#send() })
  }

  async #send(): Promise<void> {
    const { ids, build, target, onCount } = this.options
    // All: what is drawn but no longer known must go, too.
    const wanted = this.#dirty ?? new Set([...this.#drawn.keys(), ...ids()])
    this.#dirty = new Set()
    this.#last = performance.now()
    const diff = diffFeatures(this.#drawn, map(wanted, (id) => [id, build(id)] as const))
    const count = this.#drawn.size
    if (diff) {
      this.#sending = true
      try {
        await target.updateData(diff)
      } catch {
        // The source went away with the map while the worker was busy.
      }
      this.#sending = false
    }
    if (this.#ended) return
    onCount?.(count)
    this.#plan()
  }
}

function* map<A, B>(items: Iterable<A>, fn: (item: A) => B): Iterable<B> {
  for (const item of items) yield fn(item)
}
