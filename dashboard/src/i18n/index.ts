/** Words of the interface: Chinese first, English beside it. Keys are checked by the compiler. */
import type { WritableComputedRef } from 'vue'
import { createI18n, useI18n } from 'vue-i18n'
import en from './en'
import zh from './zh-CN'

export type Locale = 'zh-CN' | 'en'
export const LOCALES: readonly { code: Locale; name: string }[] = [
  { code: 'zh-CN', name: zh.self },
  { code: 'en', name: en.self },
]

/** The same tree with any words: what every further language must fill. */
type Words<T> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> }
export type Messages = Words<typeof zh>

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>
}[keyof T & string]
export type MessageKey = Leaves<typeof zh>

export type Translate = (key: MessageKey, named?: Record<string, unknown>) => string

const STORED = 'sharpeyes.locale'

export function preferredLocale(): Locale {
  let stored: string | null = null
  try {
    stored = localStorage.getItem(STORED)
  } catch {
    // Storage may be forbidden; the default then holds for this visit.
  }
  return stored === 'en' || stored === 'zh-CN' ? stored : 'zh-CN'
}

export function makeI18n(locale: Locale = preferredLocale()) {
  const i18n = createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': zh, en },
  })
  document.documentElement.lang = locale
  return i18n
}

/** Translation for a component, and for what it mounts: `t` follows the language. */
export function useWords() {
  const composer = useI18n({ useScope: 'global' })
  const t: Translate = (key, named) => {
    const count = named?.['n']
    if (typeof count === 'number') return composer.t(key, named ?? {}, count)
    return named ? composer.t(key, named) : composer.t(key)
  }
  /** For words made of the server's codes: the code itself when we have no word for it. */
  const term = (group: 'alarm' | 'role' | 'level', code: string): string => {
    const key = `${group}.${code}`
    return composer.te(key, 'zh-CN') ? composer.t(key) : code
  }
  /** For rooms that know keys as plain strings only (map, wall). */
  const words = (key: string, params?: Record<string, unknown>): string => t(key as MessageKey, params)
  /** A place's name in the language of the moment, where it has one. */
  const nameOf = (place: { name: string; name_en?: string }): string =>
    (composer.locale.value === 'en' && place.name_en) || place.name
  const setLocale = (next: Locale) => {
    composer.locale.value = next
    document.documentElement.lang = next
    try {
      localStorage.setItem(STORED, next)
    } catch {
      // See preferredLocale.
    }
  }
  return { t, term, words, nameOf, locale: composer.locale as WritableComputedRef<Locale>, setLocale }
}
