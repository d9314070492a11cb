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
  "builtins.dict",
  "builtins.list",
  "builtins.tuple",
  "collections.OrderedDict",
  "collections.defaultdict",
  "copyreg._reconstructor",
  "copyreg.__newobj__",
  "functools.partial",
]);

/** What a fitted estimator may hold beside its numbers: the generator of random numbers, types, and functions of numpy's. */
const OF_NUMPY =
  /^numpy\.(random(\.\w+)*\.\w+|(float|int|uint)(8|16|32|64)|bool_?|str_|object_|number|floating|integer|(datetime|timedelta)64|ma(\.core)?\.(MaskedArray|_mareconstruct)|(core|_core)\._multiarray_umath\.\w+)$/;

/** What a transformer may do with each number, which is a function of numpy's or Python's own. */
const FUNCTION =
  /^(numpy\.(abs|absolute|cbrt|ceil|cos|exp|exp2|expm1|fabs|floor|log|log10|log1p|log2|negative|reciprocal|rint|sign|sin|sqrt|square|tan|tanh)|builtins\.abs|numpy\.(core|_core)\._ufunc_reconstruct)$/;
/** Parts of data frames that estimators keep: names of columns, and what is missing. Sparse matrices. Distributions of searches. */
const OF_FRAMES =
  /^(pandas\.core\.indexes\.(base\.(_new_Index|Index)|range\.RangeIndex|numeric\.Int64Index)|pandas\._libs\.missing\.(_?NA|NAType)|scipy\.sparse(\.\w+)+|scipy\.stats\._(distn_infrastructure|continuous_distns|discrete_distns)\.\w+)$/;

/** Whether a name may be in a pickle of scikit-learn's. A name that may is a record all the same: nothing is called. */
export function isOfModel(name: PickleName): boolean {
  if (isNumpyName(name) || PLAIN.has(name.full)) return true;
  if (FUNCTION.test(name.full) || OF_FRAMES.test(name.full)) return true;
  // What old searches warn of.
  if (/^(builtins|exceptions)\.\w*Warning$/.test(name.full)) return true;
  // Cython's losses name their module without what it is in.
  return /^sklearn(\.\w+)+$/.test(name.full) || /^_loss\.\w+$/.test(name.full) || OF_NUMPY.test(name.full);
}
