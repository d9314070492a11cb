/** How a field of a message is typed: a scalar type of protobuf, or `=Name` of a message or enum below. */
interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly repeated?: boolean;
}

const PACKAGE = "tensorflow.serving";

/** What of TensorFlow Serving's messages a prediction takes: on the wire the names of messages do not matter, the numbers do. */
const MESSAGES: Readonly<Record<string, readonly Field[]>> = {
  Version: [{ name: "value", number: 1, type: "int64" }],
  ModelSpec: [
    { name: "name", number: 1, type: "string" },
    { name: "version", number: 2, type: "=Version" },
    { name: "signature_name", number: 3, type: "string" },
  ],
  Dimension: [{ name: "size", number: 1, type: "int64" }],
  Shape: [{ name: "dim", number: 2, type: "=Dimension", repeated: true }],
  Tensor: [
    { name: "dtype", number: 1, type: "=DataType" },
    { name: "tensor_shape", number: 2, type: "=Shape" },
    { name: "tensor_content", number: 4, type: "bytes" },
    ...(
      [
        ["float_val", 5, "float"],
        ["double_val", 6, "double"],
        ["int_val", 7, "int32"],
        ["string_val", 8, "bytes"],
        ["int64_val", 10, "int64"],
        ["bool_val", 11, "bool"],
        ["half_val", 13, "int32"],
        ["uint32_val", 16, "uint32"],
        ["uint64_val", 17, "uint64"],
      ] as const
    ).map(([name, number, type]) => ({ name, number, type, repeated: true })),
  ],
  // A map is a list of entries on the wire.
  Input: [
    { name: "key", number: 1, type: "string" },
    { name: "value", number: 2, type: "=Tensor" },
  ],
  PredictRequest: [
    { name: "model_spec", number: 1, type: "=ModelSpec" },
    { name: "inputs", number: 2, type: "=Input", repeated: true },
  ],
  PredictResponse: [{ name: "outputs", number: 1, type: "=Input", repeated: true }],
};

const DATA_TYPES: Readonly<Record<string, number>> = {
  DT_INVALID: 0,
  DT_FLOAT: 1,
  DT_DOUBLE: 2,
  DT_INT32: 3,
  DT_UINT8: 4,
  DT_INT16: 5,
  DT_INT8: 6,
  DT_STRING: 7,
  DT_INT64: 9,
  DT_BOOL: 10,
  DT_BFLOAT16: 14,
  DT_UINT16: 17,
  DT_HALF: 19,
  DT_UINT32: 22,
  DT_UINT64: 23,
};

/** The messages as a FileDescriptorProto in protobuf's text format, for languages that have descriptors. */
export function predictDescriptor(): string {
  const messages = Object.entries(MESSAGES).map(([name, fields]) => {
    const lines = fields.map((field) => {
      const label = field.repeated ? "LABEL_REPEATED" : "LABEL_OPTIONAL";
      const named = field.type.startsWith("=");
      const kind = field.type === "=DataType" ? "TYPE_ENUM" : named ? "TYPE_MESSAGE" : `TYPE_${field.type.toUpperCase()}`;
      const type = named ? ` type_name: ".${PACKAGE}.${field.type.slice(1)}"` : "";
      return `  field { name: "${field.name}" number: ${field.number} label: ${label} type: ${kind}${type} }`;
    });
    return `message_type {\n  name: "${name}"\n${lines.join("\n")}\n}`;
  });
  const values = Object.entries(DATA_TYPES).map(([name, number]) => `value { name: "${name}" number: ${number} }`);
  return [
    `name: "predict.proto" package: "${PACKAGE}" syntax: "proto3"`,
    ...messages,
    `enum_type { name: "DataType" ${values.join(" ")} }`,
  ].join("\n");
}

/** The messages in the JSON that protobufjs reads. */
export function predictJsonDescriptor(): string {
  const nested = Object.entries(MESSAGES).map(([name, fields]) => {
    const entries = fields.map(
      ({ name: field, number, type, repeated }) =>
        `${field}: { ${repeated ? 'rule: "repeated", ' : ""}type: "${type.replace("=", "")}", id: ${number} }`,
    );
    return `${name}: { fields: { ${entries.join(", ")} } }`;
  });
  const values = Object.entries(DATA_TYPES).map(([name, number]) => `${name}: ${number}`);
  return [
    ...nested,
    `DataType: { values: { ${values.join(", ")} } }`,
    'PredictionService: { methods: { Predict: { requestType: "PredictRequest", responseType: "PredictResponse" } } }',
  ].join(",\n");
}
