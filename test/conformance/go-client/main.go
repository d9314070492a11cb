// Command go-client asks a running modelport for predictions with grpc-go, and prints a line for each thing it checked.
//
//	go-client HOST:PORT      (serving half_plus_two and rounds)
//
// Messages are written and read by field number, so that no generated code is kept here. It exits with 1 at the first
// answer that is not as it should be.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	predictMethod = "/tensorflow.serving.PredictionService/Predict"
	dtypeFloat    = 1
	dtypeInt64    = 9
	maxMessage    = 64 << 20
)

// rawCodec hands messages on as the bytes they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) ([]byte, error) {
	if bytes, ok := message.(*[]byte); ok {
		return *bytes, nil
	}
	return nil, fmt.Errorf("cannot write a %T", message)
}

func (rawCodec) Unmarshal(data []byte, message any) error {
	bytes, ok := message.(*[]byte)
	if !ok {
		return fmt.Errorf("cannot read a %T", message)
	}
	*bytes = append([]byte(nil), data...)
	return nil
}

func field(out []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), value)
}

func number(out []byte, num protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(out, num, protowire.VarintType), value)
}

// tensor is a TensorProto: dtype, shape and content of a vector, or of a scalar when length is negative.
func tensor(dtype uint64, length int, content []byte) []byte {
	out := number(nil, 1, dtype)
	if length >= 0 {
		out = field(out, 2, field(nil, 2, number(nil, 1, uint64(length))))
	} else {
		out = field(out, 2, nil)
	}
	return field(out, 4, content)
}

func floats(values []float32) []byte {
	content := make([]byte, 0, 4*len(values))
	for _, value := range values {
		content = binary.LittleEndian.AppendUint32(content, math.Float32bits(value))
	}
	return tensor(dtypeFloat, len(values), content)
}

func integer(value int64) []byte {
	return tensor(dtypeInt64, -1, binary.LittleEndian.AppendUint64(nil, uint64(value)))
}

// request is a PredictRequest: model_spec.name and the map of inputs.
func request(model string, inputs map[string][]byte) []byte {
	out := field(nil, 1, field(nil, 1, []byte(model)))
	for name, value := range inputs {
		out = field(out, 2, field(field(nil, 1, []byte(name)), 2, value))
	}
	return out
}

// member is the last value of a length-delimited field.
func member(message []byte, wanted protowire.Number) ([]byte, error) {
	var found []byte
	for len(message) > 0 {
		num, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		message = message[size:]
		if num == wanted && kind == protowire.BytesType {
			value, length := protowire.ConsumeBytes(message)
			if length < 0 {
				return nil, protowire.ParseError(length)
			}
			found = value
		}
		length := protowire.ConsumeFieldValue(num, kind, message)
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		message = message[length:]
	}
	return found, nil
}

// outputs reads the floats of a PredictResponse's only output: packed float_val, or tensor_content.
func outputs(response []byte) ([]float32, error) {
	entry, err := member(response, 1)
	if err != nil {
		return nil, err
	}
	value, err := member(entry, 2)
	if err != nil {
		return nil, err
	}
	content, err := member(value, 5)
	if err == nil && content == nil {
		content, err = member(value, 4)
	}
	if err != nil {
		return nil, err
	}
	values := make([]float32, len(content)/4)
	for index := range values {
		values[index] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*index:]))
	}
	return values, nil
}

type client struct{ connection *grpc.ClientConn }

func (c client) call(ctx context.Context, method string, message []byte, options ...grpc.CallOption) ([]byte, error) {
	var response []byte
	options = append(options, grpc.ForceCodec(rawCodec{}))
	err := c.connection.Invoke(ctx, method, &message, &response, options...)
	return response, err
}

func (c client) halfPlusTwo(ctx context.Context, values []float32, options ...grpc.CallOption) error {
	response, err := c.call(ctx, predictMethod, request("half_plus_two", map[string][]byte{"x": floats(values)}), options...)
	if err != nil {
		return err
	}
	answer, err := outputs(response)
	if err != nil {
		return err
	}
	if len(answer) != len(values) {
		return fmt.Errorf("%d values, expected %d", len(answer), len(values))
	}
	for index, value := range values {
		if answer[index] != value/2+2 {
			return fmt.Errorf("value %d is %v, expected %v", index, answer[index], value/2+2)
		}
	}
	return nil
}

func large() []float32 {
	values := make([]float32, (5<<20)/4)
	for index := range values {
		values[index] = float32(index % 1000)
	}
	return values
}

// ends checks how a call went wrong.
func ends(err error, code codes.Code, text string) error {
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), text) {
		return fmt.Errorf("ended with %v, expected %v %q", err, code, text)
	}
	return nil
}

func longCall() []byte {
	return request("rounds", map[string][]byte{"x": floats(make([]float32, 16)), "n": integer(200_000)})
}

var checks = []struct {
	name string
	run  func(ctx context.Context, c client) error
}{
	{"predict", func(ctx context.Context, c client) error { return c.halfPlusTwo(ctx, []float32{1, 2, 5}) }},
	{"large tensor", func(ctx context.Context, c client) error { return c.halfPlusTwo(ctx, large()) }},
	{"gzip", func(ctx context.Context, c client) error {
		return errors.Join(
			c.halfPlusTwo(ctx, []float32{1}, grpc.UseCompressor(gzip.Name)),
			c.halfPlusTwo(ctx, large(), grpc.UseCompressor(gzip.Name)),
		)
	}},
	{"metadata", func(ctx context.Context, c client) error {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", "a, b", "x-request-id", "c", "x-token-bin", "\x00\x01\xfe\xff")
		var head metadata.MD
		if err := c.halfPlusTwo(ctx, []float32{2}, grpc.Header(&head)); err != nil {
			return err
		}
		if got := head.Get("content-type"); len(got) != 1 || got[0] != "application/grpc" {
			return fmt.Errorf("content-type is %q", got)
		}
		return nil
	}},
	{"error status", func(ctx context.Context, c client) error {
		_, missing := c.call(ctx, predictMethod, request("nobody", nil))
		_, garbage := c.call(ctx, predictMethod, []byte{0xff})
		_, unknown := c.call(ctx, "/tensorflow.serving.PredictionService/Nothing", nil)
		_, service := c.call(ctx, "/none.Service/Nothing", nil)
		return errors.Join(
			ends(missing, codes.NotFound, "nobody"),
			ends(garbage, codes.InvalidArgument, ""),
			ends(unknown, codes.Unimplemented, "Nothing"),
			ends(service, codes.Unimplemented, "none.Service"),
		)
	}},
	{"deadline", func(ctx context.Context, c client) error {
		short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
		defer cancel()
		_, err := c.call(short, predictMethod, longCall())
		return errors.Join(ends(err, codes.DeadlineExceeded, ""), c.halfPlusTwo(ctx, []float32{1}))
	}},
	{"cancellation", func(ctx context.Context, c client) error {
		cancelled, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(10*time.Millisecond, cancel)
		defer timer.Stop()
		_, err := c.call(cancelled, predictMethod, longCall())
		return errors.Join(ends(err, codes.Canceled, ""), c.halfPlusTwo(ctx, []float32{1}))
	}},
	{"50 at once", func(ctx context.Context, c client) error {
		faults := make([]error, 50)
		var all sync.WaitGroup
		for index := range faults {
			all.Add(1)
			go func() {
				defer all.Done()
				for round := range 20 {
					faults[index] = errors.Join(faults[index], c.halfPlusTwo(ctx, []float32{float32(index), float32(round)}))
				}
			}()
		}
		all.Wait()
		return errors.Join(faults...)
	}},
}

func run(address string) error {
	connection, err := grpc.NewClient(
		address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		return err
	}
	defer connection.Close()
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := check.run(ctx, client{connection})
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", check.name, err)
		}
		fmt.Printf("%s: ok\n", check.name)
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go-client HOST:PORT")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
