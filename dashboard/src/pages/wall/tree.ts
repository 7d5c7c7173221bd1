/** The camera list: filtered, searched, grouped, flattened to rows. Pure. */
import type { Camera, Status } from '../../api/types'

export type Look = 'live' | 'idle' | 'stale' | 'offline' | 'connecting'
export type Filter = 'all' | 'online' | 'offline'
export type Grouping = 'area' | 'grid' | 'none'

export type Row =
  | { kind: 'group'; key: string; name: string; online: number; all: number; open: boolean }
  | { kind: 'camera'; key: string; camera: Camera; look: Look }

export function lookOf(camera: Camera, status: Status | undefined): Look {
  if (!camera.enabled) return 'offline'
  switch (status?.state) {
    case 'live': return 'live'
    case 'connecting': return 'connecting'
    case 'silent': return 'stale'
    case 'refused':
    case 'unreachable':
    case 'disabled': return 'offline'
    default: return 'idle'
  }
}

/** A camera that gives a picture, or would at once if asked. */
const online = (look: Look) => look === 'live' || look === 'idle'

export interface Asked {
  text: string
  filter: Filter
  grouping: Grouping
  closed: ReadonlySet<string>
  /** For cameras in no grid. */
  ungrouped: string
}

export interface Listing {
  rows: Row[]
  shown: number
  all: number
}

const compare = new Intl.Collator('zh-CN', { numeric: true }).compare

export function list(cameras: Iterable<Camera>, status: ReadonlyMap<string, Status>, asked: Asked): Listing {
  const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, { name: string; items: { camera: Camera; look: Look }[] }>()
  let all = 0
  let shown = 0
  for (const camera of cameras) {
    all++
    const look = lookOf(camera, status.get(camera.id))
    if (asked.filter !== 'all' && online(look) !== (asked.filter === 'online')) continue
    if (words.length > 0) {
      const text = `${camera.name} ${camera.id} ${camera.grid_name} ${camera.area_name}`.toLowerCase()
      if (!words.every((word) => text.includes(word))) continue
    }
    shown++
    const [key, name] = groupOf(camera, asked)
    const group = groups.get(key)
    if (group) group.items.push({ camera, look })
    else groups.set(key, { name, items: [{ camera, look }] })
  }
  const rows: Row[] = []
  for (const [key, { name, items }] of [...groups].sort(([, a], [, b]) => compare(a.name, b.name))) {
    // What was searched for is never hidden in a closed group.
    const open = words.length > 0 || !asked.closed.has(key)
    if (asked.grouping !== 'none') {
      rows.push({ kind: 'group', key, name, online: items.filter(({ look }) => online(look)).length, all: items.length, open })
    }
    if (!open && asked.grouping !== 'none') continue
    items.sort((a, b) => compare(a.camera.name, b.camera.name))
    for (const { camera, look } of items) rows.push({ kind: 'camera', key: camera.id, camera, look })
  }
  return { rows, shown, all }
}

function groupOf(camera: Camera, asked: Asked): [key: string, name: string] {
  if (asked.grouping === 'none') return ['', '']
  if (asked.grouping === 'area') return [`area:${camera.area_id}`, camera.area_name || camera.area_id]
  return camera.grid_id ? [`grid:${camera.grid_id}`, camera.grid_name || camera.grid_id] : ['grid:', asked.ungrouped]
}

/** The rows to draw of a long list, with fixed height: those in sight and a few beyond. */
export function inSight(rows: number, height: number, scroll: number, view: number, beyond = 8): { from: number; to: number } {
  const from = Math.max(0, Math.floor(scroll / height) - beyond)
  const to = Math.min(rows, Math.ceil((scroll + view) / height) + beyond)
  return { from: Math.min(from, to), to }
}
