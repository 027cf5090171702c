/**
 * Everything that can move a cursor, recolour, reorder or hide text in a terminal: C0 and C1 controls, DEL, line and
 * paragraph separators, bidirectional controls, zero-width and filler characters, tag characters, lone surrogates.
 */
const UNSAFE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u00ad\u061c\u115f\u1160\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\u034f|\u17b4|\u17b5|[\u180b-\u180f]/gu

/** Most text is plain: this spares it the expression above, which takes milliseconds to compile. */
const PLAIN = /^[\x20-\x7e]*$/
const PLAIN_LINES = /^[\x20-\x7e\n]*$/

/** `text` with every unsafe character written out as `\xNN`, `\uNNNN` or `\u{N…}`. Always one line. */
export function sanitize(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
    if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`
    return `\\u{${code.toString(16)}}`
  })
}

/** Whether sanitize would change `text`. */
export function isUnsafe(text: string): boolean {
  return !PLAIN.test(text) && text.search(UNSAFE) >= 0
}

/**
 * JSON text with unsafe characters as `\uNNNN` escapes: the same value, safe to look at. They can only stand inside
 * strings, where JSON allows the escape; line breaks of indented JSON are kept.
 */
export function sanitizeJson(json: string): string {
  if (PLAIN_LINES.test(json)) return json
  return json.replace(UNSAFE, (character) => {
    if (character === '\n') return character
    let escaped = ''
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
    }
    return escaped
  })
}
