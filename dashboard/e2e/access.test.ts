/** For everybody: by keyboard, by screen reader, in a closed network. */
import { describe, expect, test } from 'vitest'
import { violations } from './support/axe'
import { openDesk, playBySearch, watchTile } from './support/desk'
import { PHONE_SETTINGS, openForm } from './support/phone'
import { stage } from './support/stage'
import { openWall, take } from './support/wall'

const here = stage({ record: true })
describe('axe finds nothing serious', () => {
  test('on the sign-in page', async () => {
    const person = await here.stranger()
    await person.page.goto('/sign-in')
    await person.testId('sign-in').waitFor()
    expect(await violations(person)).toEqual([])
  })

  test('on the desk, with an incident opened', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    expect(await violations(person)).toEqual([])
    await person.page.locator('[data-testid="queue-item"]').first().click()
    await person.testId('card').waitFor()
    await expect.poll(() => person.page.locator('.tile[data-state="live"]').count(), { timeout: 15_000 }).toBe(4)
    expect(await violations(person)).toEqual([])
    await person.page.keyboard.press('?')
    await person.testId('keys').waitFor()
    expect(await violations(person)).toEqual([])
  })

  test('on the wall', async () => {
    const person = await here.person('duty_officer')
    await openWall(person, 4)
    await take(person, 'cam000')
    await watchTile(person, 'cam000', 2)
    expect(await violations(person)).toEqual([])
  })

  test('on the playback page, a case and the requests for clips', async () => {
    const person = await here.person('duty_officer')
    const { items: [incident] } = await person.api.incidents()
    await person.page.goto('/playback?c=cam000')
    await person.testId('purpose').waitFor()
    expect(await violations(person)).toEqual([])
    await person.page.goto(`/cases/${incident!.number}`)
    await person.page.locator('[data-testid="evidence"][data-state="list"]').waitFor()
    await person.page.locator('[data-testid="near-cameras"][aria-busy="false"]').waitFor()
    expect(await violations(person)).toEqual([])
    await person.page.goto('/requests')
    await person.page.locator('[data-testid="requests"][data-state="list"]').waitFor()
    expect(await violations(person)).toEqual([])
  })

  test('on the phone', async () => {
    const person = await here.person('grid_leader', PHONE_SETTINGS)
    await person.page.goto('/report')
    await person.testId('mine-item').first().waitFor()
    expect(await violations(person)).toEqual([])
    await openForm(person)
    await person.page.locator('[data-testid="pick-map"][data-ready="true"]').waitFor()
    expect(await violations(person)).toEqual([])
  })
})

describe('by keyboard', () => {
  test('the desk: ? lists the keys, arrows walk the queue, Enter opens, Escape closes', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    const { keyboard } = person.page
    const selected = person.page.locator('[data-testid="queue-item"][aria-selected="true"]')
    await keyboard.press('?')
    await person.testId('keys').getByText('下一条', { exact: true }).waitFor()
    await keyboard.press('Escape')
    await person.testId('keys').getByText('下一条', { exact: true }).waitFor({ state: 'detached' })
    for (const [key, position] of [['ArrowDown', '1'], ['ArrowDown', '2'], ['j', '3'], ['ArrowUp', '2'], ['k', '1']] as const) {
      await keyboard.press(key)
      await expect.poll(() => selected.getAttribute('aria-posinset')).toBe(position)
    }
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await person.testId('card').waitFor()
    await expect.poll(() => person.page.locator('.tile[data-state="live"]').count(), { timeout: 15_000 }).toBe(4)
    await keyboard.press('Escape')
    await person.testId('card').waitFor({ state: 'detached' })
    await keyboard.press('t')
    expect(await person.testId('tab-incidents').getAttribute('aria-selected')).toBe('true')
  })

  test('signing in and finding a camera need no mouse', async () => {
    const person = await here.stranger()
    const { username, password } = here.town.account('duty_officer')
    const { keyboard } = person.page
    await person.page.goto('/')
    await person.page.locator('[data-testid="username"]:focus').waitFor()
    await keyboard.type(username)
    await keyboard.press('Tab')
    await keyboard.type(password)
    await keyboard.press('Enter')
    await person.page.locator('[data-testid="connection"][data-state="live"]').waitFor()
    await playBySearch(person, '钟楼十字', 'cam004')
    await watchTile(person, 'cam004', 5)
  })

  test('the wall: tiles are walked, one is made large, layouts change', async () => {
    const person = await here.person('duty_officer')
    const { keyboard } = person.page
    await openWall(person, 4)
    await person.page.locator('body').press('/')
    await keyboard.type('钟楼十字')
    await keyboard.press('Enter')
    await person.page.locator('.tile[data-camera="cam004"][data-slot="0"]').waitFor()
    await keyboard.press('Escape')
    await keyboard.press('Escape')
    for (const [key, slot] of [['ArrowLeft', '0'], ['ArrowRight', '1'], ['ArrowDown', '3'], ['ArrowLeft', '2'], ['ArrowUp', '0']] as const) {
      await keyboard.press(key)
      expect([key, await person.page.locator('.tile[aria-current="true"]').getAttribute('data-slot')]).toEqual([key, slot])
    }
    await keyboard.press('Enter')
    await person.page.locator('.se-wall.zoomed').waitFor()
    await keyboard.press('Escape')
    await person.page.locator('.se-wall:not(.zoomed)').waitFor()
    await keyboard.press('9')
    await person.page.locator('.se-wall[data-layout="9"]').waitFor()
    await keyboard.press('?')
    await person.testId('keys').waitFor()
  })
})

describe('in a closed network', () => {
  test('every page works from the own origin alone', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    await openWall(person, 4)
    await take(person, 'cam000')
    await watchTile(person, 'cam000', 2)
    await person.page.goto('/report')
    await person.testId('group-hazard').click()
    await person.page.locator('[data-testid="pick-map"][data-ready="true"]').waitFor()
    expect(person.watch.requests.length).toBeGreaterThan(20)
    expect(person.watch.requests.filter((url) => url.startsWith('ws://')).length).toBeGreaterThan(0)
    expect(person.watch.foreign()).toEqual([])
  })
})
