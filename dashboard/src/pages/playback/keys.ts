/** Keys of the playback page: one table for acting and for showing. */
export type PlaybackAction =
  | 'play' | 'earlier' | 'later' | 'muchEarlier' | 'muchLater' | 'frame' | 'key' | 'slower' | 'faster' | 'zoomIn' | 'zoomOut' | 'panLeft' | 'panRight'
  | 'previousMark' | 'nextMark' | 'goto' | 'in' | 'out' | 'export' | 'clear' | 'sound' | 'list' | 'retry' | 'now' | 'full' | 'help' | 'search' | 'esc'
  | 'select0' | 'select1' | 'select2' | 'select3' | 'span0' | 'span1' | 'span2' | 'span3'

const PLAIN: Record<string, PlaybackAction> = {
  ' ': 'play', k: 'play', ArrowLeft: 'earlier', ArrowRight: 'later', '.': 'frame', ',': 'key', '[': 'slower', ']': 'faster', '+': 'zoomIn', '=': 'zoomIn',
  '-': 'zoomOut', a: 'panLeft', d: 'panRight', j: 'previousMark', l: 'nextMark', g: 'goto', i: 'in', o: 'out', e: 'export', x: 'clear', m: 'sound', c: 'list',
  y: 'retry', t: 'now', f: 'full', '?': 'help', '/': 'search', Escape: 'esc', 1: 'select0', 2: 'select1', 3: 'select2', 4: 'select3', 7: 'span0', 8: 'span1',
  9: 'span2', 0: 'span3',
}

/** The action a key press asks for; none when it belongs to a field, a list or a button. */
export function actionOf(event: KeyboardEvent): PlaybackAction | undefined {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
  const target = event.target as HTMLElement | null
  if (target?.closest('input, textarea, select, [contenteditable="true"], dialog, [role="dialog"], [role="menu"]')) return
  if (event.key === ' ' && target?.closest('button, a, summary')) return
  if (event.key.startsWith('Arrow') && target?.closest('[role="tree"], [role="listbox"], [role="radiogroup"]')) return
  if (event.shiftKey && event.key === 'ArrowLeft') return 'muchEarlier'
  if (event.shiftKey && event.key === 'ArrowRight') return 'muchLater'
  return PLAIN[event.key.length === 1 ? event.key.toLowerCase() : event.key]
}

export const KEY_LIST = [
  { keys: ['Space', 'K'], word: 'playback.key.play' },
  { keys: ['←', '→'], word: 'playback.key.seek' },
  { keys: ['Shift ←', 'Shift →'], word: 'playback.key.seekMore' },
  { keys: ['.'], word: 'playback.key.frame' },
  { keys: [','], word: 'playback.key.key' },
  { keys: ['[', ']'], word: 'playback.key.slower' },
  { keys: ['J', 'L'], word: 'playback.key.mark' },
  { keys: ['G'], word: 'playback.key.goto' },
  { keys: ['T'], word: 'playback.key.now' },
  { keys: ['+', '-'], word: 'playback.key.zoom' },
  { keys: ['A', 'D'], word: 'playback.key.pan' },
  { keys: ['7', '8', '9', '0'], word: 'playback.key.home' },
  { keys: ['I', 'O'], word: 'playback.key.edge' },
  { keys: ['X'], word: 'playback.key.clear' },
  { keys: ['E'], word: 'playback.key.export' },
  { keys: ['1', '2', '3', '4'], word: 'playback.key.select' },
  { keys: ['M'], word: 'playback.key.sound' },
  { keys: ['C'], word: 'playback.key.list' },
  { keys: ['/'], word: 'playback.key.search' },
  { keys: ['Y'], word: 'playback.key.retry' },
  { keys: ['F'], word: 'playback.key.full' },
  { keys: ['?'], word: 'playback.key.help' },
] as const
