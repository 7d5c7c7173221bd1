import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { Role } from '../../src/api/types'
import { Api } from './api'
import { launch, Person } from './browser'
import { Town, type TownOptions } from './town'

/** A town and a browser for one file of tests; every test leaves without a fault and without people. */
export function stage(options: TownOptions | (() => Promise<TownOptions>) = {}) {
  let town: Town
  let browser: Browser
  let people: Person[] = []

  beforeAll(async () => {
    const given = typeof options === 'function' ? await options() : options
    ;[town, browser] = await Promise.all([Town.open(given), launch()])
  })
  afterAll(async () => {
    await browser?.close()
    await town?.close()
  })
  afterEach(async () => {
    const left = people
    people = []
    for (const person of left) await person.close()
    expect(left.flatMap((person) => person.watch.faults)).toEqual([])
    expect(left.flatMap((person) => person.watch.foreign())).toEqual([])
  })

  return {
    get town() {
      return town
    },
    /** Somebody who has not signed in. */
    async stranger(settings: BrowserContextOptions = {}, url = town.url): Promise<Person> {
      const person = await Person.sit(browser, url, settings)
      people.push(person)
      return person
    },
    /** Somebody with a session of their own. */
    async person(who: Role | { username: string; password: string }, settings: BrowserContextOptions = {}, url = town.url): Promise<Person> {
      const { username, password } = typeof who === 'string' ? town.account(who) : who
      const person = await this.stranger(settings, url)
      return person.use(await new Api(town.url).signIn(username, password))
    },
  }
}
