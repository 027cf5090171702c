/** The order of code units: the order in which the registry lists keys of ASCII text. For `sort`. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The order of a snapshot that comes from a registry. For `sort`. */
export function byAddress(a: { readonly address: string }, b: { readonly address: string }): number {
  return compareText(a.address, b.address)
}
