/** The map's colours: states and kinds come from the tokens, the ground is the map's own. */
import type { Severity } from '../api/types'

export type Theme = 'dark' | 'light'

export interface Palette {
  theme: Theme
  ground: string
  water: string
  waterEdge: string
  green: string
  building: string
  buildingEdge: string
  road: Record<'main' | 'minor' | 'lane', string>
  roadCasing: string
  rail: string
  railGap: string
  siteBox: string
  siteInk: string
  label: string
  labelStrong: string
  labelWater: string
  labelGreen: string
  halo: string
  area: string
  gridFill: Record<'street' | 'yard' | 'unit' | 'rural', string>
  gridLine: Record<'street' | 'yard' | 'unit' | 'rural', string>
  cone: string
  /** Drawn around symbols, so that they stand off any ground. */
  rim: string
  ink: string
  live: string
  stale: string
  off: string
  accent: string
  severity: Record<Severity, string>
  direct: string
}

const ground = {
  dark: {
    ground: '#0b141d', water: '#15304a', waterEdge: '#1f4260', green: '#10231d', building: '#14222f', buildingEdge: '#1c2e3e',
    road: { main: '#2b3f52', minor: '#223343', lane: '#1b2936' }, roadCasing: '#0b141d', rail: '#3d4f61', railGap: '#0b141d',
    siteBox: '#1a2938', siteInk: '#9fb1c2', label: '#8ea3b6', labelStrong: '#dbe5ee', labelWater: '#5b86ad', labelGreen: '#5f9580', halo: '#0b141d',
    area: '#7f9bb5',
    gridLine: { street: '#3d5d7c', yard: '#3d5d7c', unit: '#6a5a8a', rural: '#35695a' }, rim: '#0a1018', ink: '#04121f',
  },
  light: {
    ground: '#f2f4f6', water: '#c3dcf0', waterEdge: '#a5c8e4', green: '#d9eadb', building: '#e3e7ec', buildingEdge: '#d3d9e0',
    road: { main: '#ffffff', minor: '#ffffff', lane: '#fbfcfd' }, roadCasing: '#cdd6df', rail: '#8d99a5', railGap: '#ffffff',
    siteBox: '#ffffff', siteInk: '#4b5d6e', label: '#4b5d6e', labelStrong: '#16212c', labelWater: '#3f78a8', labelGreen: '#3f7a5c', halo: '#ffffff',
    area: '#8296a9',
    gridLine: { street: '#7fa6cb', yard: '#7fa6cb', unit: '#9a86c4', rural: '#74b49b' }, rim: '#ffffff', ink: '#ffffff',
  },
} satisfies Record<Theme, Partial<Palette>>

/** Reads the tokens as they hold at this element, so that a themed page themes its map. */
export function paletteFor(el: Element, theme: Theme): Palette {
  const style = getComputedStyle(el)
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim() || '#888888'
  const urban = token('urban')
  return {
    theme,
    ...ground[theme],
    gridFill: { street: urban, yard: urban, unit: token('unit'), rural: token('rural') },
    cone: token('accent'),
    live: token('live'), stale: token('stale'), off: token('off'), accent: token('accent'),
    severity: { critical: token('critical'), high: token('high'), medium: token('medium'), low: token('low') },
    direct: token('direct'),
  }
}

/**
 * There is no glyph server: the browser's own fonts are drawn. A first name that no machine has
 * carries the weight, which MapLibre reads out of it; the browser then falls through to the next.
 */
const FAMILIES = ['PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', 'sans-serif']
export const FONT = FAMILIES
export const FONT_STRONG = ['SharpEyes Medium', ...FAMILIES]
