import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from './en'
import zh from './zh-CN'

type Tree = { [key: string]: string | Tree }

function leaves(tree: Tree, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(prefix + key, value)
    else for (const [inner, text] of leaves(value, `${prefix}${key}.`)) found.set(inner, text)
  }
  return found
}
const chinese = leaves(zh as unknown as Tree)
const english = leaves(en as unknown as Tree)
const namesIn = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!))].sort()

describe('words', () => {
  it('have the same keys in both languages', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })

  it('are never empty', () => {
    for (const words of [chinese, english]) for (const [key, text] of words) expect(text.trim(), key).not.toBe('')
  })

  it('name the same values in both languages', () => {
    const differing: string[] = []
    // "1 new" beside "{n} new": only the plural form must name the number.
    for (const [key, text] of chinese) {
      if (namesIn(text).join() !== namesIn(english.get(key)!).join()) differing.push(key)
    }
    expect(differing).toEqual([])
  })

  it('English holds no Chinese but the name of the language', () => {
    for (const [key, text] of english) expect(/\p{Script=Han}/u.test(text), key).toBe(false)
  })
})

describe('sources', () => {
  function* filesIn(folder: string): Generator<string> {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) yield* filesIn(path)
      else if (/\.(ts|vue)$/.test(entry.name)) yield path
    }
  }
  /** Comments may use the field's own terms. */
  const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(^|\s)\/\/.*$/gm, '')

  it('show words only through the language files', () => {
    const root = join(import.meta.dirname, '..')
    const offenders = [...filesIn(root)]
      .filter((path) => !/i18n\/(zh-CN|en)(\.ts|\/)/.test(path) && !/\.test\.ts$/.test(path))
      .filter((path) => /\p{Script=Han}/u.test(withoutComments(readFileSync(path, 'utf8'))))
      .map((path) => relative(root, path))
    expect(offenders).toEqual([])
  })
})
