/** The order of the queue: direct reports first, then the gravest, then the newest. Pure. */
import type { Alert, Incident, Severity } from '../../api/types'
import type { Picture } from '../../picture/picture'

export type QueueTab = 'all' | 'incidents' | 'alerts'

export type QueueItem = { key: string; id: string; severity: Severity; direct: boolean; at: number } & (
  | { kind: 'incident'; incident: Incident }
  | { kind: 'alert'; alert: Alert }
)

const RANK: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3 }

export function before(a: QueueItem, b: QueueItem): number {
  if (a.direct !== b.direct) return a.direct ? -1 : 1
  const graver = (RANK[a.severity] ?? 4) - (RANK[b.severity] ?? 4)
  if (graver) return graver
  if (a.at !== b.at) return b.at - a.at
  return a.key < b.key ? -1 : 1 // equal in all else: the order must not flicker
}

export function incidentItem(incident: Incident): QueueItem {
  const { id, severity, direct, received_at } = incident
  return { kind: 'incident', key: `incident:${id}`, id, severity, direct, at: Date.parse(received_at), incident }
}

export function alertItem(alert: Alert): QueueItem {
  const { id, severity, last_at } = alert
  return { kind: 'alert', key: `alert:${id}`, id, severity, direct: false, at: Date.parse(last_at), alert }
}

export function queueOf(picture: Pick<Picture, 'incidents' | 'alerts'>, tab: QueueTab): QueueItem[] {
  const items: QueueItem[] = []
  if (tab !== 'alerts') for (const incident of picture.incidents.values()) items.push(incidentItem(incident))
  if (tab !== 'incidents') for (const alert of picture.alerts.values()) items.push(alertItem(alert))
  return items.sort(before)
}

/** Where the selection goes by a step of the keys: it stops at the ends; nothing selected begins at the first. */
export function stepFrom(items: readonly QueueItem[], key: string | null, by: number): QueueItem | undefined {
  const at = items.findIndex((item) => item.key === key)
  if (at < 0) return items[0]
  return items[Math.min(items.length - 1, Math.max(0, at + by))]
}
