/** Finding cameras, grids and incidents by name or number. Pure; at most PER_GROUP of each. */
import type { Camera, Grid, Incident } from '../../api/types'

export const PER_GROUP = 8

export type Found =
  | { kind: 'camera'; id: string; title: string; note: string; camera: Camera }
  | { kind: 'grid'; id: string; title: string; note: string; grid: Grid }
  | { kind: 'incident'; id: string; title: string; note: string; incident: Incident }

/** All words must occur, in any order; a name that begins with the query comes first. */
function scoreOf(query: string[], title: string, more: string): number {
  const name = title.toLowerCase()
  const all = `${name} ${more.toLowerCase()}`
  if (!query.every((word) => all.includes(word))) return 0
  if (name.startsWith(query[0]!)) return 3
  return query.every((word) => name.includes(word)) ? 2 : 1
}

function best<T extends Found>(candidates: Iterable<[number, () => T]>): T[] {
  const found: [number, () => T][] = []
  for (const candidate of candidates) if (candidate[0] > 0) found.push(candidate)
  return found.sort((a, b) => b[0] - a[0]).slice(0, PER_GROUP).map(([, make]) => make())
}

export function search(
  text: string,
  from: { cameras: Iterable<Camera>; grids: Iterable<Grid>; incidents: Iterable<Incident> },
  titleOf: (incident: Incident) => string,
): Found[] {
  const query = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (query.length === 0) return []
  const cameras = [...from.cameras].map((camera): [number, () => Found] => {
    const note = camera.grid_name || camera.area_name
    return [scoreOf(query, camera.name, `${camera.id} ${note} ${camera.area_name}`), () => ({ kind: 'camera', id: camera.id, title: camera.name, note, camera })]
  })
  const grids = [...from.grids].map((grid): [number, () => Found] =>
    [scoreOf(query, grid.name, `${grid.code} ${grid.area_name}`), () => ({ kind: 'grid', id: grid.id, title: grid.name, note: grid.area_name, grid })])
  const incidents = [...from.incidents].map((incident): [number, () => Found] => {
    const title = titleOf(incident)
    return [scoreOf(query, title, `${incident.number} ${incident.text} ${incident.grid_name}`), () => ({ kind: 'incident', id: incident.id, title, note: incident.number, incident })]
  })
  return [...best(cameras), ...best(grids), ...best(incidents)]
}
