/** Text for troff's man macros: nothing in it is a request or an escape, characters beyond ASCII are named. */
export function escaped(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/[^\x20-\x7e\n]/gu, (character) => {
      return `\\[u${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`
    })
    .replace(/^\./gm, '\\&.')
}

/** An argument of a macro. */
export function quoted(text) {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`
}

export const section = (title) => `.SH ${quoted(title)}`
export const subsection = (title) => `.SS ${quoted(title)}`
export const bold = (text) => `\\fB${escaped(text)}\\fR`

/** Paragraphs of a description; single line ends in it are blanks. */
export function paragraphs(text) {
  return text.split(/\n{2,}/).flatMap((part) => ['.PP', escaped(part.replace(/\s*\n\s*/g, ' ').trim())])
}

/** A term, which may have fonts of its own, and what it means. */
export function definition(term, meaning) {
  return ['.TP', term, escaped(meaning)]
}

/** Lines as they are. */
export function verbatim(lines) {
  return ['.RS 4', '.nf', ...lines.map(escaped), '.fi', '.RE']
}
