import { Document, Scalar, visit } from 'yaml'
import { isUnsafe, sanitizeJson } from '../sanitize.js'
import type { JsonObject } from './document.js'
import { bigintAsString, versioned } from './json.js'

/** The object with its schemaVersion in front, as one YAML document that is safe in a terminal. */
export function yamlText(value: JsonObject): string {
  const document = new Document(JSON.parse(JSON.stringify(versioned(value), bigintAsString)))
  visit(document, {
    Scalar(_, node) {
      // Only the double-quoted style knows the \uNNNN escapes that sanitizeJson writes.
      if (typeof node.value === 'string' && isUnsafe(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  return sanitizeJson(document.toString({ lineWidth: 0 }))
}
