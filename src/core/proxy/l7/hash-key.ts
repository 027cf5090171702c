import { FieldCursor } from '../http/field-cursor.js'
import { findField } from '../http/field-block.js'
import type { Head } from '../http/head.js'
import { type Name, nameOf } from '../http/names.js'
import type { HashOn } from '../options.js'

const COOKIE = nameOf('cookie')
const PATH = nameOf(':path')

const cursor = new FieldCursor()
const names = new Map<string, Name>()

/** What a request is hashed by, apart from the client's address; undefined where the request has no such thing. */
export function requestKey(head: Head, hashOn: HashOn): string | undefined {
  switch (hashOn.kind) {
    case 'header':
      return headerValue(head, hashOn.name)
    case 'cookie':
      return cookieValue(head, hashOn.name)
    case 'query':
      return queryValue(head, hashOn.name)
    default:
      return pathOf(head)?.split('?', 1)[0]
  }
}

/** "If the header has multiple values … they are joined with commas" (gRFC A76). */
export function headerValue(head: Head, header: string): string | undefined {
  let name = names.get(header)
  if (name === undefined) names.set(header, (name = nameOf(header)))
  let joined: string | undefined
  cursor.at(head.block, head.length)
  while (cursor.next()) {
    if (cursor.is(name)) joined = joined === undefined ? cursor.value : `${joined},${cursor.value}`
  }
  return joined
}

/** The first cookie of this name, wherever its crumb is (RFC 9113 §8.2.3). */
export function cookieValue(head: Head, name: string): string | undefined {
  cursor.at(head.block, head.length)
  while (cursor.next()) {
    if (!cursor.is(COOKIE)) continue
    for (const pair of cursor.value.split(';')) {
      const equals = pair.indexOf('=')
      if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
    }
  }
  return undefined
}

/** The first parameter of this name, decoded. */
function queryValue(head: Head, name: string): string | undefined {
  const path = pathOf(head)
  const mark = path?.indexOf('?') ?? -1
  if (mark < 0) return undefined
  return new URLSearchParams(path!.slice(mark + 1)).get(name) ?? undefined
}

function pathOf(head: Head): string | undefined {
  return findField(head.block, head.length, PATH)
}
