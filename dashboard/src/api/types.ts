/** The shapes of the API, as the server's OpenAPI document names them. Times are RFC 3339 UTC, positions WGS-84. */

export type LonLat = [lon: number, lat: number]
export type Severity = 'critical' | 'high' | 'medium' | 'low'
export type Role = 'duty_officer' | 'grid_leader' | 'handler' | 'leader' | 'auditor' | 'admin'
export type Right =
  | 'view_map' | 'watch_video' | 'report' | 'read_incidents' | 'read_alerts'
  | 'manage_cameras' | 'manage_places' | 'manage_users' | 'manage_sources'

export interface Me {
  user: { id: string; username: string; name: string; role: Role }
  area: { id: string; name: string; name_en: string; level: string; center: LonLat; bbox: [w: number, s: number, e: number, n: number] }
  trail: { id: string; name: string; name_en?: string }[]
  rights: Right[]
  expires_at: string
  server_time: string
}

export interface Area {
  id: string
  parent_id: string
  name: string
  name_en: string
  level: string
  code: string
  center: LonLat
}

export type GridKind = 'street' | 'yard' | 'unit' | 'rural'
export interface Grid {
  id: string
  name: string
  area_id: string
  area_name: string
  kind: GridKind
  households: number
  code: string
  household_warning?: 'below' | 'above'
  center: LonLat
}

export type CameraState = 'idle' | 'connecting' | 'live' | 'refused' | 'unreachable' | 'silent' | 'disabled'
export type StateReason =
  | '' | 'sign_in_refused' | 'not_found' | 'no_route' | 'connection_refused' | 'timeout' | 'no_data'
  | 'closed_by_camera' | 'unsupported_codec' | 'bad_stream' | 'address_not_allowed' | 'no_viewers'

/** What is known of a camera's pull right now; `id` is the camera's. */
export interface Status {
  id: string
  state: CameraState
  reason: StateReason
  detail?: string
  since: string
  last_frame_at?: string
  retry_at?: string
  fps?: number
  kbps?: number
  width?: number
  height?: number
  codec?: string
  key_interval_s?: number
  lost?: number
  reconnects?: number
  viewers?: number
}

export interface Camera {
  id: string
  name: string
  area_id: string
  area_name: string
  grid_id: string
  grid_name: string
  lon: number
  lat: number
  height_m: number
  azimuth_deg: number
  fov_deg: number
  range_m: number
  class: 1 | 2 | 3
  owner: string
  purpose: string
  filing: string
  retention_days: number
  main: boolean
  sub: boolean
  mode: 'on_demand' | 'always'
  enabled: boolean
  version: number
  /** Only in answers of the REST routes; the live socket sends states apart. */
  status?: Status
}

/** A camera as ranked for a point: `?near=lon,lat`. */
export interface NearCamera extends Camera {
  distance_m: number
  bearing_deg: number
  /** Angle between the camera's axis and the point. */
  off_deg: number
  in_view: boolean
  score: number
}

export interface Photo {
  id: string
  url: string
  thumb_url: string
  width: number
  height: number
  sha256: string
}

export interface Incident {
  id: string
  number: string
  category: string
  text: string
  severity: Severity
  direct: boolean
  lon: number
  lat: number
  accuracy_m?: number
  address?: string
  area_id: string
  area_name: string
  grid_id: string
  grid_name: string
  channel: 'grid_leader' | 'officer' | 'staff'
  received_at: string
  photos: Photo[] | null
  hash: string
}

export interface Alert {
  id: string
  kind: string
  severity: Severity
  text: string
  camera_id: string
  camera_name: string
  source_name: string
  lon: number
  lat: number
  area_id: string
  area_name: string
  grid_id: string
  grid_name: string
  first_at: string
  last_at: string
  count: number
}

export type CategoryGroup = 'hazard' | 'dispute' | 'facility' | 'opinion'
export interface Category {
  code: string
  name: string
  name_en: string
  group: CategoryGroup
  severity: Severity
}

export interface Receipt {
  number: string
  received_at: string
  hash: string
}

export interface List<T> {
  items: T[]
  next_cursor?: string
}

/** GeoJSON as far as the dashboard reads it. */
export interface FeatureCollection<P> {
  type: 'FeatureCollection'
  features: { type: 'Feature'; id?: string | number; geometry: { type: string; coordinates: unknown }; properties: P }[]
}
export interface AreaProps extends Omit<Area, 'center'> { center?: LonLat }
export type GridProps = Grid
export interface BasemapProps {
  layer: 'water' | 'green' | 'building' | 'road' | 'rail' | 'site' | 'label'
  class?: 'main' | 'minor' | 'lane'
  kind?: string
  name?: string
  name_en?: string
}

// The live socket's frames, server to client.
export interface HelloFrame { type: 'hello'; seq: number; resumed: boolean; server_time: string; tick_s: number }
export interface SnapshotFrame {
  type: 'snapshot'
  part: number
  parts: number
  seq: number
  cameras: Camera[] | null
  incidents: Incident[] | null
  alerts: Alert[] | null
}
export type LiveEvent = { seq: number; at: string; area_id: string; id: string } & (
  | { kind: 'incident.created'; data: Incident }
  | { kind: 'alert.raised' | 'alert.repeated'; data: Alert }
  | { kind: 'camera.saved'; data: Camera }
  | { kind: 'camera.removed' | 'places.changed'; data?: unknown }
)
export interface EventsFrame { type: 'events'; items: LiveEvent[] }
export interface StatusFrame { type: 'status'; items: Status[] }
export interface TickFrame { type: 'tick'; seq: number; server_time: string }
export type LiveFrame = HelloFrame | SnapshotFrame | EventsFrame | StatusFrame | TickFrame
