import { describe, expect, it } from 'vitest'
import type { Camera, Status } from '../../api/types'
import { actionOf } from './keys'
import { fromQuery, load, store, toQuery } from './saved'
import { inSight, list, type Asked } from './tree'

describe('a saved wall', () => {
  it('goes through the address unharmed', () => {
    const saved = { layout: 4 as const, cameras: ['cam000', null, 'cam002', null] }
    expect(toQuery(saved)).toEqual({ l: '4', c: 'cam000,,cam002' })
    expect(fromQuery(toQuery(saved))).toEqual({ layout: 4, cameras: ['cam000', null, 'cam002'] })
    expect(toQuery({ layout: 9, cameras: [null, null] })).toEqual({ l: '9' })
  })
  it('finds a layout for cameras alone', () => {
    expect(fromQuery({ c: 'a,b,c,d,e' })?.layout).toBe(6)
    expect(fromQuery({ l: '5', c: 'a' })?.layout).toBe(1)
  })
  it('is nothing when the address says nothing', () => {
    expect(fromQuery({})).toBeNull()
    expect(fromQuery({ l: ['4'] })).toBeNull()
  })
  it('takes no strange or double camera, and no more than fit', () => {
    expect(fromQuery({ l: '4', c: '../x,a,a,<b>,c,d,e' })?.cameras).toEqual([null, 'a', null, null])
  })
  it('is kept per user, and survives spoilt storage', () => {
    const kept = new Map<string, string>()
    const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) }
    store(storage, 'u1', { layout: 9, cameras: ['a'] })
    expect(load(storage, 'u1')).toEqual({ layout: 9, cameras: ['a'] })
    expect(load(storage, 'u2')).toBeNull()
    for (const spoilt of ['{', '[]', '{"layout":7,"cameras":[]}', '{"layout":4,"cameras":5}', 'null']) {
      kept.set('sharpeyes.wall.u1', spoilt)
      expect(load(storage, 'u1')).toBeNull()
    }
  })
})

describe('the camera list', () => {
  const camera = (id: string, name: string, area: string, grid = ''): Camera =>
    ({ id, name, area_id: area, area_name: area, grid_id: grid, grid_name: grid, enabled: true }) as Camera
  const cameras = [camera('cam001', '港湾路 12 号', '港湾社区', '港湾 03'), camera('cam002', '河堤 3 号', '河西村', '河西 01'), camera('cam003', '河堤 10 号', '河西村')]
  const status = new Map([['cam002', { id: 'cam002', state: 'unreachable' } as Status]])
  const asked = (over: Partial<Asked> = {}): Asked => ({ text: '', filter: 'all', grouping: 'area', closed: new Set(), ungrouped: 'none', ...over })
  const names = (over: Partial<Asked>) => list(cameras, status, asked(over)).rows.map((row) => (row.kind === 'group' ? `[${row.name} ${row.online}/${row.all}]` : row.camera.id))

  it('groups, counts and sorts by name with numbers as numbers', () => {
    expect(names({})).toEqual(['[港湾社区 1/1]', 'cam001', '[河西村 1/2]', 'cam002', 'cam003'])
    expect(names({ grouping: 'grid' })).toContain('[none 1/1]')
    expect(names({ grouping: 'none' })).toHaveLength(3)
  })
  it('finds by name, number and place, all words needed', () => {
    expect(names({ text: '河堤 10', grouping: 'none' })).toEqual(['cam003'])
    expect(names({ text: 'CAM001', grouping: 'none' })).toEqual(['cam001'])
    expect(names({ text: '河西 01', grouping: 'none' })).toEqual(['cam002'])
    expect(names({ text: 'xyz' })).toEqual([])
  })
  it('filters by state', () => {
    expect(names({ filter: 'offline', grouping: 'none' })).toEqual(['cam002'])
    expect(names({ filter: 'online', grouping: 'none' })).toEqual(['cam001', 'cam003'])
  })
  it('closes groups, but never over what was searched for', () => {
    const closed = new Set(['area:河西村'])
    expect(names({ closed })).toEqual(['[港湾社区 1/1]', 'cam001', '[河西村 1/2]'])
    expect(names({ closed, text: '河堤' })).toEqual(['[河西村 1/2]', 'cam002', 'cam003'])
  })
  it('draws only the rows in sight', () => {
    expect(inSight(20_000, 34, 0, 600)).toEqual({ from: 0, to: 26 })
    const { from, to } = inSight(20_000, 34, 340_000, 600)
    expect(from).toBeLessThanOrEqual(10_000)
    expect(to - from).toBeLessThan(40)
    expect(inSight(3, 34, 9_999, 600)).toEqual({ from: 3, to: 3 })
  })
})

describe('keys of the wall page', () => {
  const key = (name: string, init: KeyboardEventInit = {}, target?: HTMLElement) => {
    const event = new KeyboardEvent('keydown', { key: name, ...init })
    Object.defineProperty(event, 'target', { value: target ?? document.body })
    return actionOf(event)
  }
  it('act, but not while one writes or holds a modifier', () => {
    expect(key('9')).toEqual({ do: 'layout', layout: 9 })
    expect(key('0')).toEqual({ do: 'layout', layout: 16 })
    expect(key('f')).toEqual({ do: 'full' })
    expect(key('Delete')).toEqual({ do: 'wall' })
    const tree = document.createElement('div')
    tree.setAttribute('role', 'tree')
    expect(key('m', {}, tree)).toEqual({ do: 'wall' })
    expect(key('ArrowDown', {}, tree)).toBeNull()
    expect(key('f', { ctrlKey: true })).toBeNull()
    expect(key('f', {}, document.createElement('input'))).toBeNull()
    expect(key('Enter', {}, document.createElement('button'))).toBeNull()
    expect(key('x')).toBeNull()
  })
})
