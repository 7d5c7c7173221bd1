/** Where tiles stand: pure geometry, no DOM. */

export const LAYOUTS = [1, 4, 6, 9, 16] as const
export type Layout = (typeof LAYOUTS)[number]

export function isLayout(n: unknown): n is Layout {
  return LAYOUTS.includes(n as Layout)
}

export interface Shape {
  cols: number
  rows: number
}

/** Columns and rows that show `count` 16:9 pictures as large as the space allows; wide wins a tie. */
export function shapeFor(count: number, width: number, height: number): Shape {
  let best: Shape = { cols: Math.ceil(Math.sqrt(count)), rows: Math.ceil(count / Math.ceil(Math.sqrt(count))) }
  if (width <= 0 || height <= 0) return best
  let bestSize = 0
  for (let cols = count; cols >= 1; cols--) {
    if (count % cols !== 0) continue
    const rows = count / cols
    const size = Math.min(width / cols, ((height / rows) * 16) / 9)
    if (size > bestSize + 0.5) {
      bestSize = size
      best = { cols, rows }
    }
  }
  return best
}

export type Direction = 'left' | 'right' | 'up' | 'down'

/** The slot next to this one; at the edge it stays, so that a held key ends somewhere. */
export function neighbour(slot: number, direction: Direction, shape: Shape): number {
  const col = slot % shape.cols
  const row = Math.floor(slot / shape.cols)
  switch (direction) {
    case 'left': return col > 0 ? slot - 1 : slot
    case 'right': return col < shape.cols - 1 ? slot + 1 : slot
    case 'up': return row > 0 ? slot - shape.cols : slot
    case 'down': return row < shape.rows - 1 ? slot + shape.cols : slot
  }
}

export const MAIN_ABOVE_PX = 700
const SUB_BELOW_PX = 640

/** Which stream a tile of this width wants; between the two bounds it keeps what it has. */
export function profileFor(width: number, single: boolean, hasSub: boolean, now: 'main' | 'sub' | null): 'main' | 'sub' {
  if (!hasSub || single || width > MAIN_ABOVE_PX) return 'main'
  if (now === 'main' && width >= SUB_BELOW_PX) return 'main'
  return 'sub'
}

/** The slot beside another: the next one in its row, in its column where there is but one; at the end the one before. */
export function besideOf(slot: number, { cols }: Shape, layout: Layout): number {
  const next = cols === 1 || slot % cols < cols - 1
  return next && slot + 1 < layout ? slot + 1 : Math.max(0, slot - 1)
}
