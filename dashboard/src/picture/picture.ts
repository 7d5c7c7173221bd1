/**
 * The picture: everything known right now, by id. No Vue, no DOM but a frame
 * callback for telling.
 *
 * Invariants:
 * - Applying the same snapshot, event or status again changes nothing and tells nobody.
 * - An event whose number is not above `seq` is old and ignored. A snapshot in parts
 *   becomes visible whole, with its last part.
 * - Tellings are gathered and given once per animation frame and topic: a set of changed
 *   ids, or null when everything may have changed. Removed ids are told like changed ones.
 * - At most LIMIT incidents and LIMIT alerts, none older than KEEP_MS; of too many the oldest go first,
 *   critical ones and direct reports last: a storm must not wash them away.
 */
import type { Alert, Camera, CameraFigures, Incident, LiveEvent, SnapshotFrame, Status } from '../api/types'

export const LIMIT = 1000
export const KEEP_MS = 24 * 3600_000

/** wanted: whose figures are asked for. Figures themselves are not told: who shows them looks anyway. */
export type Topic = 'cameras' | 'incidents' | 'alerts' | 'status' | 'places' | 'connection' | 'wanted'

/** A camera's figures and when they were heard, local epoch ms. */
export interface HeardFigures {
  figures: CameraFigures
  at: number
  /** Those of the second before, for what has grown since. */
  before?: CameraFigures
}
export type Listener = (ids: ReadonlySet<string> | null) => void

export interface Connection {
  /** live: told within the last ticks; stale: open, but silent; offline: closed, a retry is planned. */
  state: 'connecting' | 'live' | 'stale' | 'offline'
  /** Since when, local epoch ms. */
  since: number
  /**
   * How far what is shown is behind, ms: how much later than the quickest message the last
   * one came, or how much longer than a tick the server has been silent.
   */
  lagMs: number
  /** When the next try is made, local epoch ms. Only when offline. */
  nextTryAt?: number
}

type Schedule = (run: () => void) => void
const perFrame: Schedule = (run) => {
  // A hidden tab gets no frames: fall back to a timer, so that state there stays true too.
  if (typeof requestAnimationFrame === 'function' && typeof document !== 'undefined' && !document.hidden) {
    requestAnimationFrame(run)
  } else setTimeout(run, 100)
}

export class Picture {
  readonly cameras = new Map<string, Camera>()
  readonly incidents = new Map<string, Incident>()
  readonly alerts = new Map<string, Alert>()
  /** By camera id. */
  readonly status = new Map<string, Status>()
  /** By camera id; only of cameras that somebody wants. */
  readonly figures = new Map<string, HeardFigures>()
  /** The number of the last event taken in; 0 before the first snapshot. */
  seq = 0
  /** True once a snapshot was applied. */
  loaded = false
  connection: Connection = { state: 'connecting', since: Date.now(), lagMs: 0 }

  #listeners = new Map<Topic, Set<Listener>>()
  #pending = new Map<Topic, Set<string> | null>()
  #scheduled = false
  #parts: SnapshotFrame[] = []
  #offset = 0
  #wanted = new Map<object, readonly string[]>()

  constructor(private readonly schedule: Schedule = perFrame) {}

  /** Calls fn on changes of the topic, until the returned function is called. */
  on(topic: Topic, fn: Listener): () => void {
    let set = this.#listeners.get(topic)
    if (!set) this.#listeners.set(topic, (set = new Set()))
    set.add(fn)
    return () => void set.delete(fn)
  }

  /** The server's time now, epoch ms. */
  now(): number {
    return Date.now() + this.#offset
  }

  /** How far the server's clock is ahead of ours, ms. */
  setClockOffset(ms: number): void {
    this.#offset = ms
  }

  /** Who shows these cameras wants their figures each second; an empty list ends that. */
  want(who: object, ids: readonly string[]): void {
    const before = this.#wanted.get(who) ?? []
    if (before.length === ids.length && before.every((id, i) => id === ids[i])) return
    if (ids.length > 0) this.#wanted.set(who, [...ids])
    else this.#wanted.delete(who)
    const all = new Set(this.wanted())
    for (const id of this.figures.keys()) if (!all.has(id)) this.figures.delete(id)
    this.#tell('wanted', null)
  }

  /** All cameras whose figures somebody wants. */
  wanted(): string[] {
    return [...new Set([...this.#wanted.values()].flat())]
  }

  applyFigures(items: readonly CameraFigures[]): void {
    const all = new Set(this.wanted())
    const at = Date.now()
    for (const figures of items) if (all.has(figures.id)) this.figures.set(figures.id, { figures, at, before: this.figures.get(figures.id)?.figures })
  }

  setConnection(next: Connection): void {
    this.connection = next
    this.#tell('connection', null)
  }

  /** Takes one part; the picture changes when the last one is there. Parts of an older snapshot are dropped. */
  applySnapshot(frame: SnapshotFrame): void {
    if (frame.part <= 1) this.#parts = []
    if (this.#parts.length !== Math.max(frame.part, 1) - 1) return // a gap: only a new part 1 can mend it
    this.#parts.push(frame)
    if (frame.part < frame.parts) return
    const parts = this.#parts
    this.#parts = []

    replace(this.cameras, parts.flatMap((p) => p.cameras ?? []))
    replace(this.incidents, parts.flatMap((p) => p.incidents ?? []))
    replace(this.alerts, parts.flatMap((p) => p.alerts ?? []))
    for (const id of this.status.keys()) if (!this.cameras.has(id)) this.status.delete(id)
    for (const camera of this.cameras.values()) if (camera.status) this.status.set(camera.id, camera.status)
    this.seq = frame.seq
    this.loaded = true
    this.#bound()
    for (const topic of ['cameras', 'incidents', 'alerts', 'status'] as const) this.#tell(topic, null)
  }

  applyEvents(items: readonly LiveEvent[]): void {
    for (const event of items) {
      if (event.seq <= this.seq) continue
      this.seq = event.seq
      this.#applyEvent(event)
    }
    this.#bound()
  }

  applyStatus(items: readonly Status[]): void {
    for (const status of items) {
      if (sameStatus(this.status.get(status.id), status)) continue
      this.status.set(status.id, status)
      this.#tell('status', status.id)
    }
  }

  /** Moves the resume point on: a tick carries the number of what the server has told us up to now. */
  advance(seq: number): void {
    if (this.loaded && seq > this.seq) this.seq = seq
  }

  /** Forgets all, for a change of user, rights or area. */
  clear(): void {
    this.cameras.clear()
    this.incidents.clear()
    this.alerts.clear()
    this.status.clear()
    this.figures.clear()
    this.#parts = []
    this.seq = 0
    this.loaded = false
    for (const topic of ['cameras', 'incidents', 'alerts', 'status', 'places'] as const) this.#tell(topic, null)
  }

  #applyEvent(event: LiveEvent): void {
    switch (event.kind) {
      case 'incident.created':
        this.incidents.set(event.data.id, event.data)
        return this.#tell('incidents', event.data.id)
      case 'alert.raised':
      case 'alert.repeated':
        this.alerts.set(event.data.id, event.data)
        return this.#tell('alerts', event.data.id)
      case 'camera.saved':
        this.cameras.set(event.data.id, event.data)
        return this.#tell('cameras', event.data.id)
      case 'camera.removed':
        this.cameras.delete(event.id)
        this.status.delete(event.id)
        this.#tell('status', event.id)
        return this.#tell('cameras', event.id)
      case 'places.changed':
        return this.#tell('places', null)
    }
  }

  #bound(): void {
    const oldest = this.now() - KEEP_MS
    for (const id of surplus(this.incidents, (i) => i.received_at, (i) => i.direct || i.severity === 'critical', oldest)) {
      this.incidents.delete(id)
      this.#tell('incidents', id)
    }
    for (const id of surplus(this.alerts, (a) => a.last_at, (a) => a.severity === 'critical', oldest)) {
      this.alerts.delete(id)
      this.#tell('alerts', id)
    }
  }

  #tell(topic: Topic, id: string | null): void {
    const ids = this.#pending.get(topic)
    if (id === null) this.#pending.set(topic, null)
    else if (ids === undefined) this.#pending.set(topic, new Set([id]))
    else ids?.add(id)
    if (this.#scheduled) return
    this.#scheduled = true
    this.schedule(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    const pending = this.#pending
    this.#pending = new Map()
    for (const [topic, ids] of pending) {
      for (const fn of [...(this.#listeners.get(topic) ?? [])]) fn(ids)
    }
  }
}

function replace<T extends { id: string }>(map: Map<string, T>, items: readonly T[]): void {
  map.clear()
  for (const item of items) map.set(item.id, item)
}

/** Ids of what is too old, or too much. */
function surplus<T>(map: Map<string, T>, timeOf: (item: T) => string, grave: (item: T) => boolean, oldest: number): string[] {
  const drop: string[] = []
  const kept: { at: number; grave: number; id: string }[] = []
  for (const [id, item] of map) {
    const at = Date.parse(timeOf(item))
    if (at < oldest) drop.push(id)
    else kept.push({ at, grave: Number(grave(item)), id })
  }
  if (kept.length > LIMIT) {
    kept.sort((a, b) => b.grave - a.grave || b.at - a.at)
    for (const { id } of kept.slice(LIMIT)) drop.push(id)
  }
  return drop
}

function sameStatus(a: Status | undefined, b: Status): boolean {
  if (!a) return false
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Status>
  for (const key of keys) if (a[key] !== b[key] && JSON.stringify(a[key]) !== JSON.stringify(b[key])) return false
  return true
}
