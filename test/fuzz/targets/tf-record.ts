import { TfRecordReader } from "../../../src/codec/tf-record/tf-record-reader.ts";
import { encodeTfRecord } from "../../../src/codec/tf-record/tf-record-writer.ts";
import { Random } from "../random.ts";
import { agree, type FuzzTarget, type Outcome, piecesOf, refusal } from "../target.ts";

const LONGEST_RECORD = 1 << 16;

/** One bit a step. */
function plainMaskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The records of a whole file, and whether something is wrong after them. */
function plainRecords(file: Buffer): { readonly records: readonly string[]; readonly broken: boolean } {
  const records: string[] = [];
  let at = 0;
  while (at < file.length) {
    if (file.length - at < 12) return { records, broken: true };
    if (plainMaskedCrc(file.subarray(at, at + 8)) !== file.readUInt32LE(at + 8)) return { records, broken: true };
    const length = file.readBigUInt64LE(at);
    if (length > BigInt(LONGEST_RECORD) || BigInt(file.length - at - 16) < length) return { records, broken: true };
    const end = at + 12 + Number(length);
    if (plainMaskedCrc(file.subarray(at + 12, end)) !== file.readUInt32LE(end)) return { records, broken: true };
    records.push(file.toString("hex", at + 12, end));
    at = end + 4;
  }
  return { records, broken: false };
}

function check(file: Buffer): Outcome {
  const expected = plainRecords(file);
  const records: string[] = [];
  const reader = new TfRecordReader(LONGEST_RECORD);
  let outcome: Outcome | undefined;
  try {
    for (const piece of piecesOf(file)) {
      reader.push(piece);
      for (let record = reader.next(); record !== undefined; record = reader.next())
        records.push(Buffer.from(record).toString("hex"));
    }
    reader.end();
  } catch (reason) {
    outcome = refusal(reason);
  }
  agree(outcome !== undefined, expected.broken, "whether the file is broken");
  agree(records.join(), expected.records.join(), "the records");
  return { accepted: outcome === undefined, shape: `${outcome?.shape} ${Math.min(records.length, 3)}` };
}

/** A TFRecord file: the input as one, and the input as the data of one, sometimes with one bit of it turned over. */
export const tfRecord: FuzzTarget = {
  name: "tf-record",
  dictionary: ["0500000000000000eab2043e", "68656c6c6fbb1f1c19", "0000000000000000"].map((hex) => Buffer.from(hex, "hex")),
  longest: 300,
  run(input): Outcome {
    const outcomes = [check(input)];
    const random = new Random(input);
    const file = Buffer.concat(piecesOf(input).map(encodeTfRecord));
    if (file.length > 0 && random.below(3) > 0) file[random.below(file.length)]! ^= 1 << random.below(8);
    outcomes.push(check(file));
    return { accepted: outcomes.some(({ accepted }) => accepted), shape: outcomes.map(({ shape }) => shape).join() };
  },
};
