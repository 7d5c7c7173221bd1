/** Keys of the wall page: one table for acting and for showing. What the wall itself knows is passed on to it. */
import type { Layout } from '../../wall'

export type Action = { do: 'search' | 'full' | 'list' | 'help' | 'wall' } | { do: 'layout'; layout: Layout }

const LAYOUT_KEYS: Record<string, Layout> = { 1: 1, 4: 4, 6: 6, 9: 9, 0: 16 }
const WALL_KEYS = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Enter', 'Delete', 'Backspace', 'Escape', ' '])
/** These mean the wall wherever the focus is. */
const PICTURE_KEYS = new Set(['m', 'i', '+', '=', '-', 'r', 'p'])

export function actionOf(event: KeyboardEvent): Action | null {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return null
  const target = event.target as HTMLElement | null
  if (target?.closest('input, textarea, select, [contenteditable="true"], dialog, [role="dialog"], [role="menu"]')) return null
  if (event.key === '/') return { do: 'search' }
  if (event.key === '?') return { do: 'help' }
  const layout = LAYOUT_KEYS[event.key]
  if (layout) return { do: 'layout', layout }
  const key = event.key.toLowerCase()
  if (key === 'f') return { do: 'full' }
  if (key === 'l') return { do: 'list' }
  if (PICTURE_KEYS.has(key)) return { do: 'wall' }
  // A list walks by its own arrows, a button is pressed by its own Enter.
  if (target?.closest('[role="tree"]')) return null
  if ((event.key === 'Enter' || event.key === ' ') && target?.closest('button, a')) return null
  return WALL_KEYS.has(event.key) ? { do: 'wall' } : null
}

export const KEY_LIST = [
  { keys: ['←', '↑', '→', '↓'], word: 'wall.page.key.arrows' },
  { keys: ['Shift ←'], word: 'wall.page.key.swap' },
  { keys: ['Enter'], word: 'wall.page.key.enter' },
  { keys: ['Del'], word: 'wall.page.key.del' },
  { keys: ['/'], word: 'wall.page.key.search' },
  { keys: ['1', '4', '9'], word: 'wall.page.key.layouts' },
  { keys: ['6', '0'], word: 'wall.page.key.more_layouts' },
  { keys: ['M'], word: 'wall.page.key.sound' },
  { keys: ['+', '-'], word: 'wall.page.key.volume' },
  { keys: ['I'], word: 'wall.page.key.figures' },
  { keys: ['R'], word: 'wall.page.key.rewind' },
  { keys: ['P'], word: 'wall.page.key.playback' },
  { keys: ['F'], word: 'wall.page.key.full' },
  { keys: ['L'], word: 'wall.page.key.list' },
  { keys: ['Esc'], word: 'wall.page.key.esc' },
  { keys: ['?'], word: 'wall.page.key.help' },
] as const
