const PRECISION = 1e-14
const MOST_TERMS = 100_000

/**
 * The regularised upper incomplete gamma function Q(a, x), for a above 0 and x of 0 or more: the chance that a chi-square variable of 2a
 * degrees of freedom is above 2x. By the series below x = a + 1, by the continued fraction above (Abramowitz and Stegun, 6.5.29 and
 * 6.5.31).
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a))
  return x < a + 1 ? 1 - scale * series(a, x) : scale * fraction(a, x)
}

/** Σ xⁿ / (a (a+1) … (a+n)) */
function series(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < MOST_TERMS && term > sum * PRECISION; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum
}

/** 1 / (x+1−a − 1(1−a) / (x+3−a − 2(2−a) / (x+5−a − …))), from the outside in (Lentz's method). */
function fraction(a: number, x: number): number {
  let b = x + 1 - a
  let c = Infinity
  let d = 1 / b
  let value = d
  for (let n = 1; n < MOST_TERMS; n++) {
    const an = -n * (n - a)
    b += 2
    d = 1 / (an * d + b)
    c = b + an / c
    value *= c * d
    if (Math.abs(c * d - 1) < PRECISION) break
  }
  return value
}

/** ln Γ(a) for a above 0: the recurrence up to 10, then Stirling's series (Abramowitz and Stegun, 6.1.41). */
function logGamma(a: number): number {
  let shift = 0
  let z = a
  for (; z < 10; z++) shift += Math.log(z)
  const inverse = 1 / (z * z)
  const tail = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / z
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + tail - shift
}
