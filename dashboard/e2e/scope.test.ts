/** Somebody of one township (新华街道) sees nothing of another (临港镇), by any door. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Alert, Camera, FeatureCollection, Grid, GridProps, Incident, List } from '../src/api/types'
import { Api, postAlarm } from './support/api'
import { drawn, openDesk } from './support/desk'
import { square } from './support/png'
import { stage } from './support/stage'
import { heard, listen, view } from './support/viewer'
import { openWall } from './support/wall'

const here = stage()
const OWN = new Set(['v-xinhua', 'v-zhonglou', 'v-liuyuan'])
const OWN_PLACE = { lon: 118.9058, lat: 31.9062 }
const OTHER_PLACE = { lon: 118.9066, lat: 31.8955 }
const OTHER_CAMERA = 'cam010'

let city: Api
let officer: { username: string; password: string }
let mine: Api
let token = ''
let own: Incident
let other: Incident
let otherAlert = ''

async function reportWithPhoto(api: Api, text: string, at: { lon: number; lat: number }): Promise<Incident> {
  const form = new FormData()
  for (const [name, value] of Object.entries({ category: 'hazard.fire', text, ...at })) form.set(name, String(value))
  form.set('photos', new Blob([new Uint8Array(square(640, [200, 80, 40]))], { type: 'image/png' }), 'fire.png')
  return (await api.must<{ incident: Incident }>(201, 'POST', '/api/v1/incidents', form)).incident
}

beforeAll(async () => {
  const admin = await here.town.as('admin')
  officer = await admin.createUser('xinhua-officer', 'duty_officer', 't-xinhua')
  token = await admin.createSource('e2e AI box', 'yunhe')
  city = await here.town.as('duty_officer')
  mine = await new Api(here.town.url).signIn(officer.username, officer.password)
  own = await reportWithPhoto(city, '新华路店铺冒烟', OWN_PLACE)
  other = await reportWithPhoto(city, '渡口仓库冒烟', OTHER_PLACE)
  otherAlert = (await postAlarm(here.town.url, token, { kind: 'smoke', camera_id: OTHER_CAMERA, text: '建材市场烟雾' })).body.id
})

describe('scope', () => {
  test('the incidents are where the tests think they are', () => {
    expect(OWN).toContain(own.area_id)
    expect(OWN).not.toContain(other.area_id)
  })

  test('lists hold nothing of the other township', async () => {
    const all = await city.cameras()
    const expected = all.items.filter((camera) => OWN.has(camera.area_id)).map(({ id }) => id)
    expect(expected.length).toBeGreaterThan(3)
    expect((await mine.cameras()).items.map(({ id }) => id).sort()).toEqual(expected.sort())
    const near = await mine.get<List<Camera>>(`/api/v1/cameras?near=${OTHER_PLACE.lon},${OTHER_PLACE.lat}&limit=50`)
    expect(near.items.filter((camera) => !OWN.has(camera.area_id))).toEqual([])
    const incidents = (await mine.incidents()).items
    expect(incidents.map(({ id }) => id)).toContain(own.id)
    expect(incidents.filter((incident) => !OWN.has(incident.area_id))).toEqual([])
    expect((await mine.alerts()).items).toEqual([])
    expect((await city.alerts()).items.map(({ id }) => id)).toContain(otherAlert)
    const { items: grids } = await mine.get<List<Grid>>('/api/v1/grids')
    expect(grids.filter((grid) => !OWN.has(grid.area_id))).toEqual([])
    const shapes = await mine.get<FeatureCollection<GridProps>>('/api/v1/grids.geojson')
    expect(shapes.features.filter(({ properties }) => !OWN.has(properties.area_id))).toEqual([])
  })

  test('asking for the other township by filter or name finds nothing', async () => {
    for (const query of ['area=t-lingang', 'area=v-dukou', `grid=${other.grid_id}`, `q=${encodeURIComponent('渡口')}`]) {
      for (const what of ['cameras', 'incidents']) {
        const everything = await city.get<List<Camera | Incident>>(`/api/v1/${what}?${query}`)
        expect(everything.items.length, `${what}?${query}`).toBeGreaterThan(0)
        const found = await mine.get<List<Camera | Incident>>(`/api/v1/${what}?${query}`)
        expect(found.items, `${what}?${query}`).toEqual([])
      }
    }
    expect((await mine.get<List<Alert>>(`/api/v1/alerts?camera=${OTHER_CAMERA}`)).items).toEqual([])
  })

  test('objects of the other township are not there', async () => {
    const photo = other.photos![0]!
    const paths = [`/api/v1/cameras/${OTHER_CAMERA}`, `/api/v1/incidents/${other.id}`, photo.url, photo.thumb_url]
    for (const path of paths) {
      expect([path, (await city.request('GET', path)).status]).toEqual([path, 200])
      expect([path, (await mine.request('GET', path)).status]).toEqual([path, 404])
      expect([path, (await new Api(here.town.url).request('GET', path)).status]).toEqual([path, 401])
    }
    expect((await mine.request('GET', own.photos![0]!.url)).status).toBe(200)
  })

  test('video of the other township is not there, the own plays', async () => {
    const person = await here.person(officer)
    person.watch.allow(/404.*\/cameras\/cam010\/whep/, 'the camera of the other township')
    await person.page.goto('/sign-in')
    await person.testId('sign-in').waitFor()
    expect(await view(person, OTHER_CAMERA)).toBe(404)
    expect(await view(person, 'cam000')).toBe(201)
  })

  test('the live socket says nothing of the other township, neither at first nor later nor to who resumes', async () => {
    const person = await here.person(officer)
    await person.page.goto('/sign-in')
    await person.testId('sign-in').waitFor()
    await listen(person, '', '?since=0', '?since=1')
    const hidden = await city.report({ category: 'hazard.gas', text: '渡口燃气异味', ...OTHER_PLACE })
    const alert = await postAlarm(here.town.url, token, { kind: 'fall', camera_id: 'cam011', text: '码头人员倒地' })
    const shown = await city.report({ category: 'hazard.gas', text: '新华燃气异味', ...OWN_PLACE })
    // Events come in order: when this one is there, the others have been passed over.
    await expect.poll(() => heard(person, shown.incident.id), { timeout: 10_000 }).toBe(3)
    for (const words of [hidden.incident.id, alert.body.id, other.id, otherAlert, '渡口', '码头', `"${OTHER_CAMERA}"`, 't-lingang', 'v-dukou']) {
      expect([words, await heard(person, words)]).toEqual([words, 0])
    }
    expect(await heard(person, own.id)).toBeGreaterThan(0)
  })

  test('a role without video gets none, anywhere', async () => {
    const person = await here.person('auditor')
    person.watch.allow(/403.*\/whep/, 'the auditor watches nobody')
    await openDesk(person)
    await person.testId('video').getByText('您的角色不看视频。').waitFor()
    expect(await person.page.locator('video').count()).toBe(0)
    expect(await view(person, 'cam000')).toBe(403)
    await person.page.goto('/wall')
    await person.page.waitForURL('**/desk')
  })

  test('desk, map and wall show the own township alone', async () => {
    const person = await here.person(officer)
    await openDesk(person)
    const incidents = (await mine.incidents()).items
    const cameras = (await mine.cameras()).items
    await expect.poll(() => drawn(person)).toEqual({ cameras: cameras.length, incidents: incidents.length, alerts: 0 })
    const rows = await person.page.locator('[data-testid="queue-item"]').evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset['id']))
    expect(rows.sort()).toEqual(incidents.map(({ id }) => id).sort())
    await person.page.keyboard.press('Control+k')
    await person.testId('search-field').fill('建材市场')
    await person.testId('search').getByText('没有找到').waitFor()
    expect(await person.page.content()).not.toContain('渡口')
    await openWall(person, 4)
    const listed = await person.page.locator('[data-testid="camera-list"] [data-id]').evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset['id']))
    expect(listed.sort()).toEqual(cameras.map(({ id }) => id).sort())
  })
})
