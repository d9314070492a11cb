import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import {
  type NetworkValue,
  numberOf,
  reshaped,
  staticParts,
  staticShape,
  withOneBatch,
  withStaticShape,
} from "../network-value.ts";

/** Along an axis; without one, over all static dimensions. */
const softened =
  (operator: string): Translate =>
  (call) => {
    const { first, attributes, graph } = call;
    if (attributes.has("axis")) {
      const axis = attributes.axis("axis");
      if (!call.isAllStatic(axis)) return call.unary(operator, { axis: call.axisOf(axis) });
    }
    const rank = staticShape(first).length;
    if (rank === 1) return call.unary(operator, { axis: first.dynamic });
    const flat = withStaticShape(graph, first, [rank === 0 ? 1 : "rest"]);
    return withStaticShape(graph, call.unary(operator, { axis: first.dynamic }, flat), staticParts(first));
  };

/** With the statistics that training has gathered. */
const batchNormalization: Translate = (call) => {
  const { attributes, first } = call;
  const statistics = [1, 2, 3, 4].map((place) => call.input(place));
  const spatial = attributes.boolean("spatial");
  const epsilon = attributes.number("epsilon", 1e-5);
  attributes.ignore(
    "normalizationTimeConstant",
    "blendTimeConstant",
    "useCuDNNEngine",
    "disableRegularization",
    "runCountUntied",
  );
  if (statistics.some(({ dynamic }) => dynamic > 0)) throw call.unimplemented("its statistics depend on the input");
  const rank = staticShape(first).length;
  if (!spatial || rank === 0) {
    const [scale, bias, mean, variance] = statistics.map((each) =>
      reshaped(
        call.graph,
        each.value,
        staticShape(first).map((_, i) => call.fixedSize(first.value, first.dynamic + i)),
      ),
    );
    return scaled(call, first, [scale!, bias!, mean!, variance!], epsilon);
  }
  const channels = call.fixedSize(first.value, first.dynamic);
  const lists = statistics.map((each) => reshaped(call.graph, each.value, [channels]));
  return withOneBatch(call.graph, first, (value) =>
    call.add("BatchNormalization", [value, ...lists], { epsilon: float(epsilon) }),
  );
};

function scaled(
  call: FunctionCall,
  input: NetworkValue,
  statistics: readonly [GraphValue, GraphValue, GraphValue, GraphValue],
  epsilon: number,
): NetworkValue {
  const [scale, bias, mean, variance] = statistics;
  const deviation = call.add("Sqrt", [call.add("Add", [variance, numberOf(call.graph, input.value.dtype, epsilon)])]);
  const centred = call.add("Sub", [input.value, mean]);
  return {
    value: call.add("Add", [call.add("Mul", [centred, call.add("Div", [scale, deviation])]), bias]),
    dynamic: input.dynamic,
  };
}

/** Functions that set elements in relation to others. */
export const NORMALIZING: readonly FunctionEntry[] = [
  entry(10, "Softmax", softened("Softmax")),
  entry(51, "LogSoftmax", softened("LogSoftmax")),
  entry(11, "Hardmax", softened("Hardmax")),
  entry(40, "BatchNormalization", batchNormalization, "with the statistics of training"),
];
