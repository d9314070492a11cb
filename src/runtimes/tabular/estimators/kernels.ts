import type { Kernel } from "../../../model/tabular/estimator-operations.ts";
import type { Matrix } from "../matrix.ts";

/** Of a row that begins at `row` in `data` and a point that begins at `point` in `points`, both of `columns` numbers. */
type KernelOf = (data: ArrayLike<number>, row: number, points: Float64Array, point: number) => number;

/** A function that gives the kernel of each row with each point, a column for each point. In float64. */
export function kernelRows(kernel: Kernel, points: Float64Array, columns: number): (rows: Matrix) => Matrix {
  const of = kernelOf(kernel, columns);
  const count = points.length / columns;
  return ({ rows, data }) => {
    const values = new Float64Array(rows * count);
    for (let row = 0; row < rows; row++) {
      for (let point = 0; point < count; point++) values[row * count + point] = of(data, row * columns, points, point * columns);
    }
    return { rows, width: count, data: values };
  };
}

function kernelOf(kernel: Kernel, columns: number): KernelOf {
  const { PI } = Math;
  const product = productOf(columns);
  const squares = squaresOf(columns);
  switch (kernel.kind) {
    case "linear":
      return product;
    case "polynomial": {
      const { gamma, coef0, degree } = kernel;
      return (...at) => (gamma * product(...at) + coef0) ** degree;
    }
    case "gaussian": {
      const { gamma } = kernel;
      return (...at) => Math.exp(-gamma * squares(...at));
    }
    case "sigmoid": {
      const { gamma, coef0 } = kernel;
      return (...at) => Math.tanh(gamma * product(...at) + coef0);
    }
    case "laplacian":
      return laplacian(kernel.gamma, columns);
    case "chi-squared":
      return chiSquared(kernel.gamma, columns);
    case "cosine":
      return (data, row, points, point) => {
        const lengths =
          Math.sqrt(product(data, row, data as Float64Array, row) || 1) * Math.sqrt(product(points, point, points, point) || 1);
        return product(data, row, points, point) / lengths;
      };
    case "constant":
      return () => kernel.value;
    case "radial": {
      const scaled = scaledSquaresOf(kernel.lengths, columns);
      return (...at) => Math.exp(-0.5 * scaled(...at));
    }
    case "matern":
      return matern(kernel.nu, scaledSquaresOf(kernel.lengths, columns));
    case "rational-quadratic": {
      const { alpha, length } = kernel;
      return (...at) => (1 + squares(...at) / (2 * alpha * length ** 2)) ** -alpha;
    }
    case "periodic": {
      const { length, period } = kernel;
      return (...at) => Math.exp(-2 * (Math.sin((PI / period) * Math.sqrt(squares(...at))) / length) ** 2);
    }
    case "dot-product":
      return (...at) => kernel.sigma0 ** 2 + product(...at);
    case "sum":
    case "product": {
      const parts = kernel.of.map((part) => kernelOf(part, columns));
      const isSum = kernel.kind === "sum";
      return (...at) => parts.reduce((all, part) => (isSum ? all + part(...at) : all * part(...at)), isSum ? 0 : 1);
    }
    case "power": {
      const part = kernelOf(kernel.of, columns);
      return (...at) => part(...at) ** kernel.exponent;
    }
  }
}

function productOf(columns: number): KernelOf {
  return (data, row, points, point) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += data[row + column] * points[point + column];
    return sum;
  };
}

function squaresOf(columns: number): KernelOf {
  return (data, row, points, point) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const difference = data[row + column] - points[point + column];
      sum += difference * difference;
    }
    return sum;
  };
}

function scaledSquaresOf(lengths: Float64Array, columns: number): KernelOf {
  return (data, row, points, point) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const length = lengths[lengths.length === 1 ? 0 : column];
      const difference = data[row + column] / length - points[point + column] / length;
      sum += difference * difference;
    }
    return sum;
  };
}

function laplacian(gamma: number, columns: number): KernelOf {
  return (data, row, points, point) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += Math.abs(data[row + column] - points[point + column]);
    return Math.exp(-gamma * sum);
  };
}

function chiSquared(gamma: number, columns: number): KernelOf {
  return (data, row, points, point) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const [a, b] = [data[row + column], points[point + column]];
      if (a + b !== 0) sum += ((a - b) * (a - b)) / (a + b);
    }
    return Math.exp(-gamma * sum);
  };
}

function matern(nu: number, squares: KernelOf): KernelOf {
  if (nu === 0.5) return (...at) => Math.exp(-Math.sqrt(squares(...at)));
  if (nu === 1.5) {
    return (...at) => {
      const distance = Math.sqrt(squares(...at)) * Math.sqrt(3);
      return (1 + distance) * Math.exp(-distance);
    };
  }
  return (...at) => {
    const distance = Math.sqrt(squares(...at)) * Math.sqrt(5);
    return (1 + distance + distance ** 2 / 3) * Math.exp(-distance);
  };
}
