import { describe, expect, it } from 'vitest'
import type { Camera, Grid, Incident } from '../../api/types'
import { PER_GROUP, search } from './search'

const cameras = [
  { id: 'cam001', name: 'Square north', area_name: 'Xinhua', grid_name: 'Xinhua 02' },
  { id: 'cam002', name: 'North gate of the market', area_name: 'Harbour', grid_name: 'Harbour 01' },
] as Camera[]
const grids = [{ id: 'g1', name: 'Harbour 01', code: '990121', area_name: 'Harbour' }] as Grid[]
const incidents = [{ id: 'i1', number: 'YH-2026-0041', text: 'smell of gas', grid_name: 'Harbour 01' }] as Incident[]
const from = { cameras, grids, incidents }
const found = (text: string) => search(text, from, (incident) => incident.text).map((item) => item.id)

describe('search', () => {
  it('finds nothing for nothing', () => expect(found('  ')).toEqual([]))
  it('puts names that begin with the query first', () => expect(found('north')).toEqual(['cam002', 'cam001']))
  it('takes words in any order, over all fields', () => expect(found('xinhua square')).toEqual(['cam001']))
  it('finds by number and id', () => {
    expect(found('0041')).toEqual(['i1'])
    expect(found('CAM002')).toEqual(['cam002'])
  })
  it('groups cameras, grids, incidents', () => expect(found('harbour 01')).toEqual(['cam002', 'g1', 'i1']))
  it('gives at most so many of each', () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ id: `c${i}`, name: `Road ${i}`, area_name: '', grid_name: '' }) as Camera)
    expect(search('road', { ...from, cameras: many }, (i) => i.text)).toHaveLength(PER_GROUP)
  })
})
