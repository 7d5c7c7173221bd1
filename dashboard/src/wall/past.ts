/**
 * Tiles that show what another tile's camera showed a while ago. The footage comes through a door that the
 * page gives: the wall knows nothing of records.
 *
 * Invariants:
 * - A camera's past is shown in one tile at most; each that is opened is closed.
 */
import type { Tile } from './tile'
import { clock, span, type Words } from './words'

/** One past being played. */
export interface Past {
  view(): PastView
  /** Earlier by so many ms; negative: later. */
  back(ms: number): void
  toggle(): void
  close(): void
}

export interface PastView {
  /** The time of the frame that is shown, epoch ms; null before the first. */
  at: number | null
  paused: boolean
  /** Words for the middle of the tile; empty while it plays. */
  title: string
  reason: string
  next: string
  waiting: boolean
}

export interface PastDoor {
  /** Begins so many ms ago, in this element. Null: it may only be seen with more said about why, which was asked for elsewhere. */
  open(camera: string, stage: HTMLElement, ms: number): Past | null
  /** Goes to where all of the record can be seen, at this time. */
  full(camera: string, at: number): void
}

export const STEP_MS = 30_000

interface Shown {
  camera: string
  past: Past
}

export class PastTiles {
  #shown = new Map<Tile, Shown>()

  constructor(private readonly door: PastDoor | undefined, private readonly nameOf: (camera: string) => string) {}

  may(camera: string): boolean {
    return this.door !== undefined && camera !== ''
  }

  cameraOf(tile: Tile | undefined): string | null {
    return (tile && this.#shown.get(tile)?.camera) ?? null
  }

  open(camera: string, tile: Tile): void {
    this.close(tile)
    const past = this.door?.open(camera, tile.past, STEP_MS)
    if (past) this.#shown.set(tile, { camera, past })
  }

  /** Half a minute further, where this camera's past is shown already. */
  back(camera: string): boolean {
    for (const shown of this.#shown.values()) {
      if (shown.camera !== camera) continue
      shown.past.back(STEP_MS)
      return true
    }
    return false
  }

  toggle(tile: Tile | undefined): boolean {
    const shown = tile && this.#shown.get(tile)
    shown?.past.toggle()
    return shown !== undefined
  }

  /** All of the record: at the time that is shown, or of half a minute ago. */
  full(tile: Tile | undefined, camera: string | null): boolean {
    const shown = tile && this.#shown.get(tile)
    const id = shown?.camera ?? camera
    if (!id || !this.door) return false
    this.door.full(id, shown?.past.view().at ?? Date.now() - STEP_MS)
    return true
  }

  close(tile: Tile | undefined): boolean {
    const shown = tile && this.#shown.get(tile)
    if (!tile || !shown) return false
    this.#shown.delete(tile)
    shown.past.close()
    tile.endPast()
    return true
  }

  closeAll(): void {
    for (const tile of [...this.#shown.keys()]) this.close(tile)
  }

  /** Writes what is to be said; false for a tile that shows no past. */
  show(tile: Tile, serverNow: number, t: Words): boolean {
    tile.rewindable(this.door !== undefined, t)
    const shown = this.#shown.get(tile)
    if (!shown) return false
    const view = shown.past.view()
    tile.showPast({
      ...view, camera: shown.camera, name: this.nameOf(shown.camera), at: view.at,
      behind: view.at === null ? '' : t('wall.past.behind', { time: span(serverNow - view.at, t) }),
      clock: view.at === null ? '' : t('wall.past.at', { time: clock(view.at) }),
    }, t)
    return true
  }
}
