/** Why a copy for sharing was not made, in words of its own where the general ones would not do. Pure. */
import { ApiError } from '../../api/client'
import type { MessageKey } from '../../i18n'

/** Null: as any other fault. */
export function refusalOf(fault: unknown): MessageKey | null {
  if (!(fault instanceof ApiError)) return null
  if (fault.kind === 'too_many') return 'file.sharing.another'
  if (fault.kind === 'not_found') return 'file.sharing.gone'
  if (fault.kind !== 'unavailable') return null
  if (/\bffmpeg\b/.test(fault.message)) return 'file.sharing.noFfmpeg'
  return /\bfont\b/.test(fault.message) ? 'file.sharing.noFont' : null
}
