/** Symbols drawn on a canvas once per theme: shape and colour together say what they stand for. */
import type { Map as MapLibre } from 'maplibre-gl'
import type { Severity } from '../api/types'
import type { Palette } from './theme'

const RATIO = 2

type Paint = (c: CanvasRenderingContext2D, size: number) => void

export const SITE_KINDS = ['school', 'hospital', 'market', 'station', 'bridge', 'plant', 'government', 'fire_station', 'fuel'] as const
export const CAMERA_LOOKS = ['live', 'idle', 'stale', 'offline', 'connecting'] as const
export type CameraLook = (typeof CAMERA_LOOKS)[number]

export function addSprites(map: MapLibre, p: Palette): void {
  const add = (name: string, size: number, paint: Paint) => {
    if (map.hasImage(name)) map.removeImage(name)
    map.addImage(name, draw(size, paint), { pixelRatio: RATIO })
  }
  for (const look of CAMERA_LOOKS) {
    add(`cam-${look}`, 18, (c, s) => camera(c, s / 2, 5.6, look, p, false))
    add(`cam-${look}-big`, 26, (c, s) => camera(c, s / 2, 9.5, look, p, true))
    add(`dir-${look}`, 44, (c, s) => pointer(c, s / 2, lookColour(look, p)))
  }
  for (const severity of ['critical', 'high', 'medium', 'low'] as Severity[]) {
    add(`inc-${severity}`, 30, (c, s) => event(c, s / 2, severity, p.severity[severity], p, false))
    add(`alert-${severity}`, 30, (c, s) => event(c, s / 2, severity, p.severity[severity], p, true))
  }
  add('inc-direct', 36, (c, s) => event(c, s / 2, 'critical', p.direct, p, false, 1.25))
  add('ring', 56, (c, s) => selection(c, s / 2, p))
  for (const kind of SITE_KINDS) add(`site-${kind}`, 20, (c, s) => site(c, s, kind, p))
}

function draw(size: number, paint: Paint): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size * RATIO
  const c = canvas.getContext('2d', { willReadFrequently: true })!
  c.scale(RATIO, RATIO)
  c.lineJoin = 'round'
  c.lineCap = 'round'
  paint(c, size)
  return c.getImageData(0, 0, canvas.width, canvas.height)
}

export function lookColour(look: CameraLook, p: Palette): string {
  return { live: p.live, idle: p.live, stale: p.stale, offline: p.off, connecting: p.accent }[look]
}

function disc(c: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  c.beginPath()
  c.arc(x, y, r, 0, Math.PI * 2)
}

/**
 * Live: a full disc. Idle (ready, nobody watches): a ring. Stale: a half-full ring. Offline: a ring
 * struck through. Connecting: an open ring.
 */
function camera(c: CanvasRenderingContext2D, m: number, r: number, look: CameraLook, p: Palette, big: boolean): void {
  const colour = lookColour(look, p)
  disc(c, m, m, r + 1.6)
  c.fillStyle = p.rim
  c.fill()
  c.strokeStyle = c.fillStyle = colour
  const line = big ? 2 : 1.8
  c.lineWidth = line
  if (look === 'live') {
    disc(c, m, m, r)
    c.fill()
  } else if (look === 'connecting') {
    c.beginPath()
    c.arc(m, m, r - line / 2, -Math.PI * 0.2, Math.PI * 1.35)
    c.stroke()
  } else {
    disc(c, m, m, r - line / 2)
    c.stroke()
  }
  if (look === 'stale') {
    c.beginPath()
    c.arc(m, m, r - line / 2, 0, Math.PI)
    c.fill()
  }
  if (big) pictogram(c, m, look === 'live' ? p.ink : colour, look === 'stale' ? p.rim : '')
  if (look === 'offline') {
    const d = (r - line / 2) * Math.SQRT1_2
    c.strokeStyle = p.rim
    c.lineWidth = line + 2
    strike(c, m, d)
    c.strokeStyle = colour
    c.lineWidth = line
    strike(c, m, d)
  }
}

function strike(c: CanvasRenderingContext2D, m: number, d: number): void {
  c.beginPath()
  c.moveTo(m - d, m + d)
  c.lineTo(m + d, m - d)
  c.stroke()
}

/** A bullet camera, seen from the side. */
function pictogram(c: CanvasRenderingContext2D, m: number, ink: string, behind: string): void {
  c.save()
  c.translate(m, m)
  c.fillStyle = ink
  c.beginPath()
  c.roundRect(-5.2, -3.1, 7.4, 6.2, 1.4)
  c.moveTo(2.8, -0.9)
  c.lineTo(5.6, -2.8)
  c.lineTo(5.6, 2.8)
  c.lineTo(2.8, 0.9)
  c.closePath()
  if (behind) {
    c.strokeStyle = behind
    c.lineWidth = 1.6
    c.stroke()
  }
  c.fill()
  c.restore()
}

/** A tick outside the disc, pointing north; the layer turns it. */
function pointer(c: CanvasRenderingContext2D, m: number, colour: string): void {
  c.beginPath()
  c.moveTo(m, m - 17)
  c.lineTo(m + 5, m - 11.6)
  c.quadraticCurveTo(m, m - 13.4, m - 5, m - 11.6)
  c.closePath()
  c.fillStyle = colour
  c.fill()
}

/** Diamond critical, triangle high, square medium, circle low. An alarm from a machine carries a lens. */
function event(c: CanvasRenderingContext2D, m: number, severity: Severity, colour: string, p: Palette, alarm: boolean, scale = 1): void {
  c.save()
  c.translate(m, m)
  c.scale(scale, scale)
  outline(c, severity)
  c.lineWidth = 4
  c.strokeStyle = p.rim
  c.stroke()
  c.fillStyle = colour
  c.fill()
  if (alarm) {
    const y = severity === 'high' ? 2.2 : 0
    disc(c, 0, y, 3.4)
    c.fillStyle = p.theme === 'dark' ? p.ink : '#ffffff'
    c.fill()
    disc(c, 0, y, 1.3)
    c.fillStyle = colour
    c.fill()
  }
  c.restore()
}

function outline(c: CanvasRenderingContext2D, severity: Severity): void {
  c.beginPath()
  switch (severity) {
    case 'critical':
      c.moveTo(0, -11.5)
      c.lineTo(11.5, 0)
      c.lineTo(0, 11.5)
      c.lineTo(-11.5, 0)
      break
    case 'high':
      c.moveTo(0, -10)
      c.lineTo(10.6, 8.6)
      c.lineTo(-10.6, 8.6)
      break
    case 'medium':
      c.roundRect(-8.4, -8.4, 16.8, 16.8, 2.4)
      break
    case 'low':
      c.arc(0, 0, 8.6, 0, Math.PI * 2)
  }
  c.closePath()
}

function selection(c: CanvasRenderingContext2D, m: number, p: Palette): void {
  for (const [width, colour] of [[5, p.rim], [2.2, p.theme === 'dark' ? '#ffffff' : p.accent]] as const) {
    c.lineWidth = width
    c.strokeStyle = colour
    for (let quarter = 0; quarter < 4; quarter++) {
      const at = (quarter * Math.PI) / 2 + Math.PI / 4
      c.beginPath()
      c.arc(m, m, 20, at - 0.52, at + 0.52)
      c.stroke()
    }
  }
}

const STROKES: Record<(typeof SITE_KINDS)[number], string> = {
  school: 'M3 8.5 10 5l7 3.5-7 3.5zM6 10.2v3.4c2.4 1.9 5.6 1.9 8 0v-3.4',
  hospital: 'M10 5.5v9M5.5 10h9',
  market: 'M5 9v6h10V9M4 9l1.3-3.6h9.4L16 9zM8.6 15v-3.4h2.8V15',
  station: 'M6.5 5h7v7.5h-7zM6.5 9h7M8 15.5l-1.5 1M12 15.5l1.5 1M8.4 12.6 7.2 15M11.6 12.6l1.2 2.4',
  bridge: 'M3.5 12.5h13M3.5 9.5c4.3-4.6 8.7-4.6 13 0M7 12.5v-4.6M10 12.5V6.2M13 12.5V7.9',
  plant: 'M4 15.5v-5l4 2.3v-2.3l4 2.3V5h3.5v10.5z',
  government: 'M10 4.5l1.5 3.3 3.6.4-2.7 2.4.8 3.6-3.2-1.9-3.2 1.9.8-3.6-2.7-2.4 3.6-.4z',
  fire_station: 'M10 4.5c.6 2.6 3.7 4 3.7 7.2a3.7 3.7 0 0 1-7.4 0c0-1.5.7-2.4 1.5-3.3.3 1 .8 1.5 1.3 1.7-.2-2.2.1-4 .9-5.6z',
  fuel: 'M5.5 15.5v-10h6v10M4.5 15.5h8M7 8h3M11.5 9.5h1.5v4a1.1 1.1 0 0 0 2.2 0V8.5L13.5 7',
}

function site(c: CanvasRenderingContext2D, size: number, kind: (typeof SITE_KINDS)[number], p: Palette): void {
  c.beginPath()
  c.roundRect(1, 1, size - 2, size - 2, 4)
  c.fillStyle = p.siteBox
  c.fill()
  c.lineWidth = 1
  c.strokeStyle = p.theme === 'dark' ? p.buildingEdge : p.roadCasing
  c.stroke()
  c.lineWidth = 1.3
  c.strokeStyle = p.siteInk
  c.stroke(new Path2D(STROKES[kind]))
}
