/** What the desk is turned to: one incident, alarm, camera or grid. */
import type { Alert, Camera, Incident, LonLat } from '../../api/types'

export type Selection =
  | { kind: 'incident'; id: string }
  | { kind: 'alert'; id: string }
  | { kind: 'camera'; id: string }

export type Subject =
  | { kind: 'incident'; incident: Incident }
  | { kind: 'alert'; alert: Alert }
  | { kind: 'camera'; camera: Camera }

export function placeOf(subject: Subject): LonLat {
  const at = subject.kind === 'incident' ? subject.incident : subject.kind === 'alert' ? subject.alert : subject.camera
  return [at.lon, at.lat]
}
