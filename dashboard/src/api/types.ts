/**
 * The shapes of the API. They come from the server's OpenAPI document (`npm run api` writes
 * schema.d.ts); here they get their names, and are narrowed where the document is wider than
 * the contract. Times are RFC 3339 UTC, positions WGS-84.
 */
import type { components } from './schema'

type Schemas = components['schemas']
/** T with some properties told more exactly. */
type Narrow<T, P> = Omit<T, keyof P> & P

export type LonLat = [lon: number, lat: number]
export type Severity = Schemas['IncidentView']['severity']
export type Role = Schemas['MeUser']['role']
export type Right =
  | 'view_map' | 'watch_video' | 'report' | 'read_incidents' | 'read_alerts'
  | 'manage_cameras' | 'manage_places' | 'manage_users' | 'manage_sources'
  | 'read_cases' | 'work_cases' | 'disclose_name' | 'export_lists' | 'read_audit' | 'manage_rules' | 'manage_tokens'
  | 'read_structure' | 'keep_registers' | 'take_emergency' | 'playback' | 'export_clips' | 'approve_clips' | 'request_clips'

type HomeArea = Narrow<Schemas['HomeArea'], { center: LonLat; bbox: [w: number, s: number, e: number, n: number] }>
export type Me = Narrow<Schemas['Me'], { area: HomeArea; rights: Right[] }>

export type Area = Narrow<Schemas['AreaView'], { center: LonLat }>
export type Grid = Narrow<Schemas['GridView'], { center: LonLat }>
export type GridKind = Grid['kind']

/** What is known of a camera's pull right now; `id` is the camera's. */
export type Status = Schemas['CameraStatus']
export type CameraState = Status['state']
export type StateReason = Status['reason']

/** `status` is only in answers of the REST routes; the live socket sends states apart. */
export type Camera = Narrow<Schemas['Camera'], { class: 1 | 2 | 3; status?: Status }>
/** A camera as ranked for a point: `?near=lon,lat`. off_deg: the angle between its axis and the point. */
export type NearCamera = Camera & Required<Pick<Schemas['Camera'], 'distance_m' | 'bearing_deg' | 'off_deg' | 'in_view' | 'score'>>

export type Photo = Schemas['PhotoView']
export type Incident = Schemas['IncidentView']
export type Alert = Schemas['AlertView']
export type CategoryGroup = 'hazard' | 'dispute' | 'facility' | 'opinion'
export type Category = Narrow<Schemas['Category'], { group: CategoryGroup; severity: Severity }>
export type Receipt = Schemas['Receipt']
export type Case = Schemas['CaseView']

export type Profile = 'main' | 'sub'
export interface TimeSpan { from: string; to: string }
/** What is recorded of a camera, and what is missing and why. */
export type Recording = Schemas['Recorded']
export type GapCause = Schemas['RecordedGap']['cause']
export type Recordings = Schemas['Timeline']
/** A grant to look at footage. */
export type Playback = Schemas['Playback']
export type NewPlayback = Schemas['PlaybackInput']

export type Export = Schemas['ClipExportView']
export type NewExport = Schemas['ClipInput']
export type Evidence = Schemas['EvidenceView']
/** What a copy for sharing is to look like. */
export type NewCopy = Schemas['CopyInput']
export type Verdict = Schemas['VerifyView']
export type ClipRequest = Schemas['ClipRequestView']
export type Hold = Schemas['HoldView']
export type Problem = Schemas['Problem']

export interface List<T> {
  items: T[]
  next_cursor?: string
}

/** GeoJSON as far as the dashboard reads it. */
export interface FeatureCollection<P> {
  type: 'FeatureCollection'
  features: { type: 'Feature'; id?: string | number; geometry: { type: string; coordinates: unknown }; properties: P }[]
}
export type AreaProps = Omit<Area, 'center'> & { center?: LonLat }
export type GridProps = Grid
export interface BasemapProps {
  layer: 'water' | 'green' | 'building' | 'road' | 'rail' | 'site' | 'label'
  class?: 'main' | 'minor' | 'lane'
  kind?: string
  name?: string
  name_en?: string
}

/** What a client may ask of the live socket: these cameras' figures each second, instead of those asked for before. */
export interface FiguresRequest { type: 'figures'; ids: string[] }

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
/** What is known of a stream at this second; zero is said here, too. */
export interface StreamFigures {
  state: CameraState
  /** Absent: no frame has come yet. */
  frame_age_ms?: number
  stale: boolean
  fps: number
  kbps: number
  key_interval_s: number
  lost: number
  discarded: number
  reconnects: number
  viewers: number
  degraded: boolean
}
/** Of the camera's better stream, and of each where there are two. */
export interface CameraFigures extends StreamFigures {
  id: string
  profiles?: (StreamFigures & { profile: 'main' | 'sub' })[]
}
/** Once a second, for the cameras that were asked for. */
export interface FiguresFrame { type: 'figures'; at: string; items: CameraFigures[] }
export interface TickFrame { type: 'tick'; seq: number; server_time: string }
export type LiveFrame = HelloFrame | SnapshotFrame | EventsFrame | StatusFrame | FiguresFrame | TickFrame
