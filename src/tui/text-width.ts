import stringWidth from 'string-width'

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** How many columns a text takes. */
export function widthOf(text: string): number {
  return PRINTABLE_ASCII.test(text) ? text.length : stringWidth(text)
}

/** `text` cut to at most `width` columns, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width <= 0) return ''
  let kept = ''
  let taken = 0
  for (const character of text) {
    taken += widthOf(character)
    if (taken > width - 1) break
    kept += character
  }
  return `${kept}…`
}

/** `text` cut in the middle, where addresses differ least. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 5) return cut(text, width)
  const tail = Math.ceil((width - 1) / 2)
  return `${text.slice(0, width - 1 - tail)}…${text.slice(-tail)}`
}

/** `text` cut or filled with blanks to exactly `width` columns. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, width)
  const blanks = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return align === 'left' ? shown + blanks : blanks + shown
}
