/** Words and shapes on the timeline. */
import { lengthOf, type Gap, type Mark, type Tick } from './timeline'
import { clock, length, type Words } from './words'

const two = (n: number) => String(n).padStart(2, '0')

/** 11-28 */
export function monthDay(ms: number): string {
  const at = new Date(ms)
  return `${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

export function tickWords(tick: Tick): string {
  if (tick.unit === 'day') return monthDay(tick.at)
  return tick.unit === 'second' ? clock(tick.at) : clock(tick.at).slice(0, 5)
}

export function gapWords(gap: Gap, t: Words): string {
  return `${t(`playback.cause.${gap.cause}`)} · ${length(lengthOf(gap), t)}`
}

/** Shape by severity, as everywhere: diamond, triangle, square, circle. */
export function markPath(mark: Mark, x: number, y: number): Path2D {
  const r = 7
  const shapes = {
    critical: `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`,
    high: `M${x} ${y - r}l${r} ${2 * r - 1}h${-2 * r}z`,
    medium: `M${x - r + 1} ${y - r + 1}h${2 * r - 2}v${2 * r - 2}h${2 - 2 * r}z`,
    low: `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  }
  return new Path2D(shapes[mark.severity])
}
