/** TensorFlow's library, where the tests have one: found or installed before the first test. */
export const LIBRARY = process.env.MODELPORT_TEST_TENSORFLOW;

/** Said where tests are skipped. */
export const NO_LIBRARY = "skipped without TensorFlow's library: modelport runtime install tensorflow";
