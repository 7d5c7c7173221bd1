/** The pages as they look with a living town: for the README, and to be looked at. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import type { Case, ClipRequest, Incident, List, Role } from '../../src/api/types'
import { Api } from './api'
import { launch, Person } from './browser'
import { PHONE_SETTINGS, fillForm, makePhoto, openForm } from './phone'
import { pictureOf } from './record'
import { Town } from './town'

const SCREEN: BrowserContextOptions = { viewport: { width: 1920, height: 1080 } }
/** Nothing is measured here: a busy machine may take its time. */
const PATIENCE_MS = 90_000
const NINE = ['cam000', 'cam001', 'cam002', 'cam004', 'cam005', 'cam011', 'cam014', 'cam018', 'cam022']

export async function takeAll(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const [town, browser] = await Promise.all([Town.open({ record: true }), launch()])
  try {
    const shots = new Shots(town, browser, folder)
    await shots.signIn()
    await shots.desk()
    await shots.wall()
    await shots.phone()
    await shots.record()
    await shots.english()
  } finally {
    await browser.close()
    await town.close()
  }
}

class Shots {
  constructor(private readonly town: Town, private readonly browser: Browser, private readonly folder: string) {}

  async signIn(): Promise<void> {
    const person = await Person.sit(this.browser, this.town.url, SCREEN)
    await person.page.goto('/sign-in')
    await person.testId('sign-in').waitFor()
    await this.#take(person, 'sign-in')
    await person.close()
  }

  async desk(): Promise<void> {
    const admin = await this.town.as('admin')
    const token = await admin.createSource('周界相机', 'yunhe')
    for (const alarm of [{ kind: 'line_crossing', camera_id: 'cam018', severity: 'high', text: '人员越过铁路护栏' }, { kind: 'crowd', camera_id: 'cam005', severity: 'medium' }]) {
      await fetch(`${this.town.url}/api/v1/hooks/alarms`, {
        method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: JSON.stringify(alarm),
      })
    }
    const person = await this.#person('duty_officer')
    await person.page.goto('/desk')
    await person.page.locator('[data-testid="map"][data-ready="true"]').waitFor()
    const { items } = await person.api.get<List<Incident>>('/api/v1/incidents')
    const grave = items.find((incident) => incident.direct) ?? items[0]!
    await person.page.locator(`[data-testid="queue-item"][data-id="${grave.id}"]`).click()
    await this.#live(person, 4)
    await person.page.locator('[data-testid="map"][data-view]').waitFor()
    await this.#take(person, 'desk')
    await person.page.keyboard.press('Escape')
    await person.page.keyboard.press('?')
    await person.testId('keys').waitFor()
    await this.#take(person, 'desk-keys')
    await person.close()
  }

  async wall(): Promise<void> {
    const person = await this.#person('leader')
    await person.page.goto(`/wall?l=9&c=${NINE.join(',')}`)
    await this.#live(person, 9)
    await this.#take(person, 'wall')
    // Nobody listens at this port: the camera is unreachable from now on.
    const admin = await this.town.as('admin')
    const dead = { main_url: 'rtsp://127.0.0.1:9/cam004', sub_url: 'rtsp://127.0.0.1:9/cam004/sub', username: '', password: '' }
    await admin.must(200, 'PATCH', '/api/v1/cameras/cam004', dead)
    const gone = person.page.locator('.tile[data-camera="cam004"]')
    await person.page.locator('.tile[data-camera="cam004"][data-state="offline"]').waitFor()
    await gone.click()
    await this.#live(person, 8)
    await this.#take(person, 'wall-offline')
    await person.close()
  }

  async phone(): Promise<void> {
    const person = await this.#person('grid_leader', PHONE_SETTINGS)
    await person.page.goto('/report')
    await person.testId('mine-item').first().waitFor()
    await this.#take(person, 'report')
    await openForm(person)
    await fillForm(person, 'hazard.fire', '配电箱冒烟，已断电', [await makePhoto(person, '港湾路 41 号')])
    await person.page.locator('[data-testid="pick-map"][data-ready="true"]').waitFor()
    await this.#take(person, 'report-form')
    await person.testId('place').scrollIntoViewIfNeeded()
    await this.#take(person, 'report-place')
    await person.testId('send').tap()
    await person.page.locator('[data-testid="sent"][data-state="received"]').waitFor()
    await this.#take(person, 'report-receipt')
    await person.close()
  }

  /** What was recorded: looked at, asked for from the street, put on a case. */
  async record(): Promise<void> {
    const person = await this.#person('duty_officer')
    const { page } = person
    // The pages before took so long that all of it is on the disk.
    const to = Date.now() - 5_000
    const incident = await this.#asked(person, to)
    const { id } = await person.api.get<Case>(`/api/v1/cases/${incident.number}`)
    await page.goto('/requests')
    await person.testId('request').first().waitFor()
    await this.#take(person, 'requests')
    await person.testId('approve').first().click()
    for (const end = Date.now() + 60_000; (await person.api.get<List<unknown>>(`/api/v1/cases/${id}/evidence`)).items.length === 0;) {
      if (Date.now() > end) throw new Error('the clip did not come')
      await page.waitForTimeout(500)
    }
    await page.goto(`/cases/${incident.number}`)
    await person.testId('evidence-item').first().waitFor()
    await this.#take(person, 'case')
    await page.locator('[data-testid="evidence-item"][data-kind="clip"]').first().getByTestId('share').click()
    await person.testId('make-copy').waitFor()
    await page.keyboard.press('n')
    await this.#take(person, 'case-copy')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.goto(`/playback?c=cam000,cam001,cam005,cam009&at=${new Date(to - 20_000).toISOString()}`)
    await person.testId('purpose').waitFor()
    await this.#take(person, 'playback-purpose')
    await person.testId('purpose-text').fill('核查起火经过')
    await page.keyboard.press('Enter')
    for (const camera of ['cam000', 'cam001', 'cam005', 'cam009']) await pictureOf(person, camera)
    await page.keyboard.press('i')
    await page.waitForTimeout(4000)
    await page.keyboard.press('o')
    await this.#take(person, 'playback')
    await page.keyboard.press('?')
    await person.testId('keys').waitFor()
    await this.#take(person, 'playback-keys')
    await person.close()
  }

  /** A grid leader asks for the minute before a moment, in their case. */
  async #asked(officer: Person, to: number): Promise<Incident> {
    const leader = await this.#person('grid_leader', PHONE_SETTINGS)
    // The one that was reported with a photo.
    const { items: [incident] } = await leader.api.incidents()
    if (!incident) throw new Error('nothing was reported')
    await leader.page.goto('/report')
    await leader.page.locator(`[data-testid="mine-item"][data-number="${incident.number}"] button`).first().tap()
    await leader.testId('ask-clip').tap()
    const camera = leader.page.locator('[data-testid="near-cameras"] [data-camera] input').first()
    await camera.check()
    await leader.testId('ask-reason').fill('看清起火的时间')
    await this.#take(leader, 'report-clip')
    await leader.testId('ask-send').tap()
    await leader.page.locator('[data-testid="clip-asked"][data-state="open"]').waitFor()
    await this.#take(leader, 'report-asked')
    const { items } = await officer.api.get<List<ClipRequest>>('/api/v1/clip-requests?state=open')
    if (items.length === 0) throw new Error(`nobody asked for a clip before ${new Date(to).toISOString()}`)
    await leader.close()
    return incident
  }

  /** The pages with the most words, in the other language. */
  async english(): Promise<void> {
    for (const [role, path, wait, settings] of [
      ['duty_officer', '/desk', '[data-testid="map"][data-ready="true"]', SCREEN], ['duty_officer', '/playback?c=cam000', '[data-testid="purpose"]', SCREEN],
      ['duty_officer', '/requests', '[data-testid="requests"][data-state="list"]', SCREEN], ['grid_leader', '/report', '[data-testid="mine-item"]', PHONE_SETTINGS],
    ] as const) {
      const person = await this.#person(role, settings)
      await person.page.addInitScript(() => localStorage.setItem('sharpeyes.locale', 'en'))
      await person.page.goto(path)
      await person.page.locator(wait).first().waitFor()
      await person.page.waitForTimeout(1000)
      await this.#take(person, `en-${path.slice(1).replace(/\?.*/, '')}`)
      await person.close()
    }
  }

  async #person(role: Role, settings: BrowserContextOptions = SCREEN): Promise<Person> {
    const { username, password } = this.town.account(role)
    const person = await Person.sit(this.browser, this.town.url, settings)
    person.page.setDefaultTimeout(PATIENCE_MS)
    return person.use(await new Api(this.town.url).signIn(username, password))
  }

  /** Waits until so many tiles are live and have drawn a second of pictures. */
  async #live(person: Person, tiles: number): Promise<void> {
    const { page } = person
    await page.locator('.tile[data-state="live"]').nth(tiles - 1).waitFor()
    for (const id of await page.locator('.tile[data-state="live"]').evaluateAll((all) => all.map((tile) => (tile as HTMLElement).dataset['camera']!))) {
      await page.evaluate((selector) => window.probe.follow(selector, 25), `.tile[data-camera="${id}"] video`)
    }
  }

  async #take(person: Person, name: string): Promise<void> {
    await person.page.screenshot({ path: join(this.folder, `${name}.png`) })
    process.stdout.write(`${name}.png\n`)
  }
}
