/** Variables that Python, its libraries and their hardware look at. */
const NAMES: ReadonlySet<string> = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "LD_LIBRARY_PATH",
  "LD_PRELOAD",
  "DYLD_LIBRARY_PATH",
  "VIRTUAL_ENV",
  "XDG_CACHE_HOME",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "SYSTEMROOT",
]);
const PREFIXES = [
  "LC_",
  "PYTHON",
  "CONDA_",
  "CUDA_",
  "NVIDIA_",
  "HIP_",
  "ROCR_",
  "OMP_",
  "KMP_",
  "MKL_",
  "OPENBLAS_",
  "NUMEXPR_",
  "TORCH_",
  "PYTORCH_",
  "TRITON_",
  "MODELPORT_WORKER_",
];
/** How many threads the libraries of numbers take. */
const THREADS = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/**
 * The environment of a worker: what Python and its libraries look at, and the variables that are `named`, but nothing else that the server
 * was given, such as passwords. With `threads`, the libraries take so many, unless the server's environment says how many.
 */
export function workerEnvironment(
  server: Readonly<Record<string, string | undefined>>,
  named: readonly string[],
  threads: number | undefined,
): Record<string, string> {
  const environment: Record<string, string> = {};
  if (threads !== undefined) for (const name of THREADS) environment[name] = String(threads);
  for (const [name, value] of Object.entries(server)) {
    if (value === undefined) continue;
    if (NAMES.has(name) || named.includes(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) environment[name] = value;
  }
  return environment;
}
