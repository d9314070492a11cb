import type { Kernel } from "../../model/tabular/estimator-operations.ts";
import { sharedFloats } from "../shared-arrays.ts";
import type { Estimator, Table } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** Kernels within one another. */
const MOST_DEPTH = 16;

/**
 * The kernel that an estimator names, of support vector machines or of kernel methods.
 * @throws ServingError unimplemented, with the name, for others and functions of one's own
 */
export function namedKernel(estimator: Estimator, gamma: number): Kernel {
  const coef0 = estimator.number("coef0", 1);
  const name = estimator.text("kernel");
  switch (name) {
    case "linear":
      return { kind: "linear" };
    case "rbf":
      return { kind: "gaussian", gamma };
    case "poly":
    case "polynomial":
      return { kind: "polynomial", gamma, coef0, degree: estimator.number("degree", 3) };
    case "sigmoid":
      return { kind: "sigmoid", gamma, coef0 };
    case "cosine":
      return { kind: "cosine" };
    case "laplacian":
      return { kind: "laplacian", gamma };
    case "chi2":
      return { kind: "chi-squared", gamma };
    default:
      throw estimator.uncovered(
        name === "" ? "a kernel of one's own is not covered" : `kernel="${name.slice(0, 50)}" is not covered`,
      );
  }
}

/** A kernel of Gaussian processes, with all within it. @throws ServingError unimplemented for others; data-loss for damaged ones */
export function processKernel(kernel: Estimator, columns: number, depth = 0): Kernel {
  if (depth > MOST_DEPTH) throw kernel.uncovered(`more than ${MOST_DEPTH} kernels within one another are not covered`);
  const part = (key: string): Kernel => processKernel(kernel.estimator(key), columns, depth + 1);
  switch (kernel.name) {
    case "ConstantKernel":
      return { kind: "constant", value: kernel.number("constant_value") };
    case "WhiteKernel":
      // Only the same observation has something in common with itself.
      return { kind: "constant", value: 0 };
    case "RBF":
      return { kind: "radial", lengths: lengthsOf(kernel, columns) };
    case "Matern": {
      const nu = kernel.number("nu");
      if (nu === Number.POSITIVE_INFINITY) return { kind: "radial", lengths: lengthsOf(kernel, columns) };
      if (nu !== 0.5 && nu !== 1.5 && nu !== 2.5) throw kernel.uncovered(`nu=${nu} is not covered`);
      return { kind: "matern", nu, lengths: lengthsOf(kernel, columns) };
    }
    case "RationalQuadratic":
      return { kind: "rational-quadratic", alpha: kernel.number("alpha"), length: kernel.number("length_scale") };
    case "ExpSineSquared":
      return { kind: "periodic", length: kernel.number("length_scale"), period: kernel.number("periodicity") };
    case "DotProduct":
      return { kind: "dot-product", sigma0: kernel.number("sigma_0") };
    case "Sum":
      return { kind: "sum", of: [part("k1"), part("k2")] };
    case "Product":
      return { kind: "product", of: [part("k1"), part("k2")] };
    case "Exponentiation":
      return { kind: "power", of: part("kernel"), exponent: kernel.number("exponent") };
    default:
      throw kernel.uncovered("as a kernel, it is not covered");
  }
}

function lengthsOf(kernel: Estimator, columns: number): Float64Array {
  const isNumber = typeof kernel.value("length_scale") === "number";
  const numbers = Float64Array.from(isNumber ? [kernel.number("length_scale")] : kernel.listOfNumbers("length_scale"));
  if (numbers.length !== 1 && numbers.length !== columns)
    throw kernel.damaged("length_scale", `has ${numbers.length} numbers, not ${columns}`);
  return numbers;
}

/** The kernel of each row with each row of a table. */
export function kernelOf(from: string, kernel: Kernel, points: Table, builder: ProgramBuilder): string {
  return builder.add(from, { kind: "kernel", kernel, points: sharedFloats(points.data), columns: points.columns });
}
