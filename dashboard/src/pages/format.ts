/** Times, distances and faults in words. */
import { ApiError } from '../api/client'
import type { Translate } from '../i18n'

const two = (n: number) => String(n).padStart(2, '0')

/** 14:26 */
export function hourMinute(at: string | number): string {
  const date = new Date(at)
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

/** 14:26:08 */
export function clockTime(at: string | number): string {
  return `${hourMinute(at)}:${two(new Date(at).getSeconds())}`
}

/** 14:26 today, 11-22 14:26 otherwise. */
export function dayTime(at: string | number, now: number): string {
  return sameDay(at, now) ? hourMinute(at) : `${monthDay(at)} ${hourMinute(at)}`
}

/** 2026-11-23 14:26:08 */
export function fullTime(at: string | number): string {
  return `${new Date(at).getFullYear()}-${monthDay(at)} ${clockTime(at)}`
}

export function sameDay(a: string | number, b: string | number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

function monthDay(at: string | number): string {
  const date = new Date(at)
  return `${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** 12 s, 4 min, 3 h, 2 d: rounded down, so that an age is never told too old. */
export function spanWords(ms: number, t: Translate): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return t('span.seconds', { n: seconds })
  if (seconds < 3600) return t('span.minutes', { n: Math.floor(seconds / 60) })
  if (seconds < 48 * 3600) return t('span.hours', { n: Math.floor(seconds / 3600) })
  return t('span.days', { n: Math.floor(seconds / 86400) })
}

/** Metres, without a precision nobody measured. */
export function metres(m: number): number {
  return m < 100 ? Math.round(m) : Math.round(m / 10) * 10
}

/** 12.4 MB */
export function bytesWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1000 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}

/** A fault as a sentence that says what to do. */
export function faultWords(fault: unknown, t: Translate): string {
  if (!(fault instanceof ApiError)) return t('error.internal')
  if (fault.kind === 'too_many') return t('error.too_many', { seconds: fault.retryAfterS ?? 30 })
  if (fault.kind === 'invalid') {
    const detail = fault.faults.map((f) => f.message).join('; ') || fault.message
    return t('error.invalid', { detail })
  }
  return t(`error.${fault.kind}`)
}
