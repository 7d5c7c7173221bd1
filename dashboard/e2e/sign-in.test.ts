import { describe, expect, test } from 'vitest'
import type { Role } from '../src/api/types'
import type { Person } from './support/browser'
import { openDesk } from './support/desk'
import { stage } from './support/stage'

const here = stage()

async function fill(person: Person, username: string, password: string) {
  await person.testId('username').fill(username)
  await person.testId('password').fill(password)
  await person.testId('sign-in-submit').click()
}

async function signOut(person: Person) {
  await person.testId('user-menu').click()
  await person.testId('sign-out').click()
  await person.testId('sign-in').waitFor()
}

describe('sign-in', () => {
  test('a wrong password is said in words, and the right one then works', async () => {
    const person = await here.stranger()
    person.watch.allow(/401.*\/api\/v1\/session/, 'the wrong password')
    const { username, password } = here.town.account('duty_officer')
    await person.page.goto('/')
    await person.testId('sign-in').waitFor()
    await fill(person, username, `${password}x`)
    await expect.poll(() => person.testId('sign-in-error').textContent()).toBe('用户名或密码不对。')
    await fill(person, 'nobody-of-that-name', password)
    await expect.poll(() => person.testId('sign-in-error').textContent()).toBe('用户名或密码不对。')
    await fill(person, username, password)
    await person.page.waitForURL('**/desk')
    await person.testId('desk').waitFor()
    const cookies = await person.context.cookies()
    expect(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))).toEqual([
      { name: 'sharpeyes_session', httpOnly: true, sameSite: 'Lax' },
    ])
  })

  const homes: [Role, string, string][] = [
    ['duty_officer', '/desk', 'desk'], ['leader', '/desk', 'desk'], ['auditor', '/desk', 'desk'], ['admin', '/desk', 'desk'],
    ['grid_leader', '/report', 'report'], ['handler', '/report', 'report'],
  ]
  test.each(homes)('%s lands on %s', async (role, path, page) => {
    const person = await here.stranger()
    const { username, password } = here.town.account(role)
    await person.page.goto('/')
    await person.testId('sign-in').waitFor()
    await fill(person, username, password)
    await person.testId(page).waitFor()
    expect(new URL(person.page.url()).pathname).toBe(path)
  })

  test('sign-out ends the session and a page asked for leads back after signing in', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    await signOut(person)
    expect((await person.api.request('GET', '/api/v1/session')).status).toBe(401)
    person.watch.allow(/401.*\/api\/v1\/session/, 'nobody is signed in')
    await person.page.goto('/wall')
    await person.testId('sign-in').waitFor()
    const { username, password } = here.town.account('duty_officer')
    await fill(person, username, password)
    await person.page.waitForURL('**/wall')
  })

  test('the language is switched and stays switched', async () => {
    const person = await here.stranger()
    await person.page.goto('/')
    await person.testId('sign-in-submit').getByText('登录', { exact: true }).waitFor()
    await person.testId('locale-en').click()
    await person.testId('sign-in-submit').getByText('Sign in', { exact: true }).waitFor()
    expect(await person.page.locator('html').getAttribute('lang')).toBe('en')
    const { username, password } = here.town.account('duty_officer')
    await fill(person, username, password)
    await person.testId('tab-incidents').getByText('Incidents').waitFor()
    await person.page.reload()
    await person.testId('tab-incidents').getByText('Incidents').waitFor()
    await person.testId('user-menu').click()
    await person.testId('locale-zh-CN').click()
    await person.testId('tab-incidents').getByText('事件').waitFor()
  })
})
