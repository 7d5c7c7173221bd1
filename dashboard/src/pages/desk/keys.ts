/** Keys of the desk: one table for acting and for showing. */
import type { MessageKey } from '../../i18n'

export type DeskAction =
  | 'down' | 'up' | 'enter' | 'near' | 'locate' | 'search' | 'wall' | 'esc' | 'help' | 'tabs'
  | 'video' | 'playback' | 'case' | 'layout1' | 'layout4' | 'layout6' | 'layout9'

const PLAIN: Record<string, DeskAction> = {
  j: 'down', ArrowDown: 'down', k: 'up', ArrowUp: 'up', Enter: 'enter', v: 'near', l: 'locate', '/': 'search', f: 'wall', Escape: 'esc',
  '?': 'help', t: 'tabs', m: 'video', i: 'video', r: 'video', p: 'playback', c: 'case', ' ': 'video', '+': 'video', '=': 'video', '-': 'video', 1: 'layout1', 4: 'layout4', 6: 'layout6', 9: 'layout9',
}

/** The action a key press asks for; none when it belongs to a field, a button or another dialog. */
export function actionOf(event: KeyboardEvent): DeskAction | undefined {
  if (event.defaultPrevented || event.isComposing) return
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') return 'search'
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const target = event.target as HTMLElement | null
  if (target?.closest('input, textarea, select, [contenteditable="true"], dialog, [role="dialog"], [role="menu"]')) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  // Enter on a button presses it; arrows inside the map or the wall are theirs.
  if ((key === 'Enter' || key === ' ') && target?.closest('button, a, [role="button"], [tabindex="0"]')) return
  if (key.startsWith('Arrow') && target?.closest('[data-own-arrows], [role="tablist"], [role="listbox"]')) return
  return PLAIN[key]
}

export const KEY_LIST: readonly { keys: string[]; word: MessageKey }[] = [
  { keys: ['J', '↓'], word: 'keys.down' },
  { keys: ['K', '↑'], word: 'keys.up' },
  { keys: ['Enter'], word: 'keys.enter' },
  { keys: ['V'], word: 'keys.near' },
  { keys: ['L'], word: 'keys.locate' },
  { keys: ['T'], word: 'keys.tabs' },
  { keys: ['Ctrl K', '/'], word: 'keys.search' },
  { keys: ['1', '4', '6', '9'], word: 'keys.layout' },
  { keys: ['M'], word: 'keys.sound' },
  { keys: ['+', '-'], word: 'keys.volume' },
  { keys: ['I'], word: 'keys.figures' },
  { keys: ['R'], word: 'keys.rewind' },
  { keys: ['P'], word: 'keys.playback' },
  { keys: ['C'], word: 'keys.case' },
  { keys: ['F'], word: 'keys.wall' },
  { keys: ['Esc'], word: 'keys.esc' },
  { keys: ['?'], word: 'keys.help' },
]
