import { ServingError } from "../../src/base/serving-error.ts";
import { TensorFlowLibraries } from "../../src/provisioning/tensorflow-libraries.ts";

/** Longest that an install may hold up the tests. */
const PATIENCE_MS = 10 * 60_000;

/**
 * Before the first test: finds TensorFlow's library, and installs it where there is none, as the server does at its first SavedModel. Where
 * that cannot be, a line says why, and what needs it is skipped.
 */
export default async function findTensorFlow(): Promise<void> {
  const { MODELPORT_TEST_TENSORFLOW: named } = process.env;
  let phase = "";
  const libraries = new TensorFlowLibraries({
    library: named || undefined,
    autoInstall: true,
    progress: (progress) => {
      if (progress.phase !== phase) say(`TensorFlow for the tests: ${progress.phase} ${progress.what}`);
      phase = progress.phase;
    },
  });
  try {
    const { path, version, origin } = await libraries.locate(AbortSignal.timeout(PATIENCE_MS));
    process.env.MODELPORT_TEST_TENSORFLOW = path;
    say(`TensorFlow for the tests: ${version} (${origin})`);
  } catch (reason) {
    delete process.env.MODELPORT_TEST_TENSORFLOW;
    say(`What needs TensorFlow is skipped: ${ServingError.from(reason).message}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
