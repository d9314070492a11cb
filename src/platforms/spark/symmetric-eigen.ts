/** Rounds after which rotations have long made everything else 0; some ten are enough. */
const MOST_ROUNDS = 60;

/**
 * The eigenvalues of a symmetric matrix, and its eigenvectors in the same order, one after the other: by Jacobi's rotations.
 * @param matrix `size * size` numbers
 */
export function symmetricEigen(
  matrix: Float64Array,
  size: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const left = Float64Array.from(matrix);
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let beside = 0;
    for (let row = 0; row < size; row++)
      for (let column = row + 1; column < size; column++) beside += left[row * size + column] ** 2;
    if (!(beside > 0)) break;
    for (let row = 0; row < size; row++)
      for (let column = row + 1; column < size; column++) rotate(left, vectors, size, row, column);
  }
  return { values: Float64Array.from({ length: size }, (_, i) => left[i * size + i]), vectors };
}

/** Turns two axes so that the number which they have together becomes 0. */
function rotate(left: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const together = left[p * size + q];
  if (together === 0) return;
  const ratio = (left[q * size + q] - left[p * size + p]) / (2 * together);
  const tangent = (ratio >= 0 ? 1 : -1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let i = 0; i < size; i++) {
    const [one, other] = [left[i * size + p], left[i * size + q]];
    left[i * size + p] = cosine * one - sine * other;
    left[i * size + q] = sine * one + cosine * other;
  }
  for (let i = 0; i < size; i++) {
    const [one, other] = [left[p * size + i], left[q * size + i]];
    left[p * size + i] = cosine * one - sine * other;
    left[q * size + i] = sine * one + cosine * other;
    const [first, second] = [vectors[p * size + i], vectors[q * size + i]];
    vectors[p * size + i] = cosine * first - sine * second;
    vectors[q * size + i] = sine * first + cosine * second;
  }
}
