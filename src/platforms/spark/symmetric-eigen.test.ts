import fc from "fast-check";
import { expect, test } from "vitest";
import { symmetricEigen } from "./symmetric-eigen.ts";

test("values and vectors make the matrix again, and vectors stand at right angles", () => {
  const numbers = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 49 });
  fc.assert(
    fc.property(numbers, (given) => {
      const size = Math.floor(Math.sqrt(given.length));
      const matrix = Float64Array.from(
        { length: size * size },
        (_, i) => given[i] + given[(i % size) * size + Math.floor(i / size)],
      );
      const { values, vectors } = symmetricEigen(matrix, size);
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          let [again, product] = [0, 0];
          for (let i = 0; i < size; i++) {
            again += values[i] * vectors[i * size + row] * vectors[i * size + column];
            product += vectors[row * size + i] * vectors[column * size + i];
          }
          expect(again).toBeCloseTo(matrix[row * size + column], 9);
          expect(product).toBeCloseTo(row === column ? 1 : 0, 9);
        }
      }
    }),
  );
});

test("a matrix of numbers that are none ends", () => {
  expect(symmetricEigen(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2).values).toHaveLength(2);
});
