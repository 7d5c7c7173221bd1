/** The figures in the header, from the picture. Pure. */
import type { Picture } from '../../picture/picture'
import { sameDay } from '../format'

export interface Figures {
  cameras: number
  /** Neither refused, unreachable nor silent; a camera resting on demand counts as well. */
  usable: number
  today: number
  direct: number
  alarms: number
}

export function figuresOf(picture: Pick<Picture, 'cameras' | 'status' | 'incidents' | 'alerts'>, now: number): Figures {
  const figures: Figures = { cameras: 0, usable: 0, today: 0, direct: 0, alarms: 0 }
  for (const camera of picture.cameras.values()) {
    const state = picture.status.get(camera.id)?.state
    if (!camera.enabled || state === 'disabled') continue
    figures.cameras++
    if (state !== 'refused' && state !== 'unreachable' && state !== 'silent' && state !== undefined) figures.usable++
  }
  for (const incident of picture.incidents.values()) {
    if (!sameDay(incident.received_at, now)) continue
    figures.today++
    if (incident.direct) figures.direct++
  }
  for (const alert of picture.alerts.values()) if (now - Date.parse(alert.last_at) < 3600_000) figures.alarms++
  return figures
}

/** 98.6%: never rounded up to a hundred that is not there. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = Math.floor((part / whole) * 1000) / 10
  return `${Number.isInteger(percent) ? percent.toFixed(0) : percent.toFixed(1)}%`
}
