/** Who loses the session or the right loses the picture. */
import { describe, expect, test } from 'vitest'
import { Api } from './support/api'
import type { Person } from './support/browser'
import { tileOf, watchTile } from './support/desk'
import { tell } from './support/numbers'
import { stage } from './support/stage'
import { view, watching } from './support/viewer'
import { openWall, take, waitState } from './support/wall'

const here = stage()
const WITHIN_MS = 5000
/** Frames come 25 times a second: after so long a silence there are none any more. */
const SILENCE_MS = 1500
const CAMERA = 'cam009'

type Way = (admin: Api, user: { id: string }, session: Api) => Promise<unknown>
const ways: [string, Way][] = [
  ['the account is disabled', (admin, { id }) => admin.must(200, 'PATCH', `/api/v1/users/${id}`, { disabled: true })],
  ['the session is ended elsewhere', (_admin, _user, session) => session.must(204, 'DELETE', '/api/v1/session')],
  ['the password is changed', (admin, { id }) => admin.must(200, 'PATCH', `/api/v1/users/${id}`, { password: 'another long word 20261123' })],
]

async function someone(name: string, area = 'yunhe') {
  const admin = await here.town.as('admin')
  const user = await admin.createUser(name, 'leader', area)
  return { admin, user }
}

/** Waits until the frames have stopped; when the last one came, epoch ms. */
async function framesStopped(person: Person): Promise<number> {
  await expect.poll(async () => Date.now() - (await watching(person)).lastAt, { timeout: WITHIN_MS + 2 * SILENCE_MS }).toBeGreaterThan(SILENCE_MS)
  return (await watching(person)).lastAt
}

describe('revocation', () => {
  test.each(ways)('the media ends when %s', async (what, revoke) => {
    const { admin, user } = await someone(`raw-${ways.findIndex(([name]) => name === what)}`)
    const person = await here.person(user)
    await person.page.goto('/sign-in')
    await person.testId('sign-in').waitFor()
    expect(await view(person, CAMERA)).toBe(201)
    await expect.poll(async () => (await watching(person)).frames).toBeGreaterThan(25)
    await revoke(admin, user, person.api)
    const revokedAt = Date.now()
    const took = (await framesStopped(person)) - revokedAt
    tell(`last frame after this: ${what}`, [took])
    expect(took).toBeLessThan(WITHIN_MS)
    person.watch.allow(/401/, 'the session is over')
    expect(await view(person, CAMERA)).toBe(401)
  })

  test.each(ways)('the wall gives up its pictures and says why when %s', async (what, revoke) => {
    const { admin, user } = await someone(`wall-${ways.findIndex(([name]) => name === what)}`)
    const person = await here.person(user)
    person.watch.allow(/401/, 'the session is over')
    await openWall(person, 4)
    await take(person, CAMERA)
    await watchTile(person, CAMERA, 5)
    await revoke(admin, user, person.api)
    const revokedAt = performance.now()
    await person.page.locator(`${tileOf(CAMERA)}[data-state="live"]`).waitFor({ state: 'detached', timeout: WITHIN_MS })
    tell(`wall without a picture after this: ${what}`, [performance.now() - revokedAt])
    await person.testId('sign-in').getByText('登录已失效，请重新登录。').waitFor()
    expect(await person.page.locator('video').count()).toBe(0)
  })

  test('who is moved to another area signs in again, and sees that area alone', async () => {
    const { admin, user } = await someone('moved', 't-lingang')
    const person = await here.person(user)
    person.watch.allow(/401/, 'the session is over')
    person.watch.allow(/404.*\/cameras\/cam009\/whep/, 'the remembered wall has a camera that is out of reach now')
    await openWall(person, 4)
    await take(person, CAMERA)
    await watchTile(person, CAMERA, 5)
    await admin.must(200, 'PATCH', `/api/v1/users/${user.id}`, { area_id: 't-hexi' })
    const changedAt = performance.now()
    await person.page.locator(`${tileOf(CAMERA)}[data-state="live"]`).waitFor({ state: 'detached', timeout: WITHIN_MS })
    tell('wall without the picture after a change of area', [performance.now() - changedAt])
    await person.testId('username').fill(user.username)
    await person.testId('password').fill(user.password)
    await person.testId('sign-in-submit').click()
    const listed = (id: string) => person.page.locator(`[data-testid="camera-list"] [data-id="${id}"]`)
    await listed('cam016').waitFor()
    expect(await listed(CAMERA).count()).toBe(0)
    expect((await waitState(person, CAMERA, 'offline', 10_000)).reason).toBe('摄像机不存在或不在您的辖区')
    await take(person, 'cam016')
    await watchTile(person, 'cam016', 5)
  })
})
