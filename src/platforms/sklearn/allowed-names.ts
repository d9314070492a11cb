import { isNumpyName } from "../../codec/pickle/numpy-array.ts";
import type { PickleName } from "../../codec/pickle/pickle-value.ts";

/** Names of Python's own that are in models; none of them does anything. */
const PLAIN: ReadonlySet<string> = new Set([
  "builtins.object",
  "builtins.slice",
  "builtins.set",
  "builtins.frozenset",
  "builtins.bytes",
  "builtins.bytearray",
  "builtins.int",
  "builtins.float",
  "builtins.bool",
  "builtins.str",
  "builtins.complex",
  "collections.OrderedDict",
  "collections.defaultdict",
  "copyreg._reconstructor",
  "copyreg.__newobj__",
  "functools.partial",
]);

/** What a fitted estimator may hold beside its numbers: the generator of random numbers, types, and functions of numpy's. */
const OF_NUMPY =
  /^numpy\.(random(\.\w+)*\.\w+|(float|int|uint)(8|16|32|64)|bool_?|str_|ma\.core\.(MaskedArray|_mareconstruct)|(core|_core)\._multiarray_umath\.\w+)$/;

/** Whether a name may be in a pickle of scikit-learn's. A name that may is a record all the same: nothing is called. */
export function isOfModel(name: PickleName): boolean {
  if (isNumpyName(name) || PLAIN.has(name.full)) return true;
  // Cython's losses name their module without what it is in.
  return /^sklearn(\.\w+)+$/.test(name.full) || /^_loss\.\w+$/.test(name.full) || OF_NUMPY.test(name.full);
}
