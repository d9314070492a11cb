#!/usr/bin/env python3
"""Checks a running server with grpcio (gRPC's C core); prints a line for each thing checked and exits with 1 at the first fault.

  grpcio_client.py predict HOST:PORT    a modelport that serves half_plus_two and rounds
  grpcio_client.py interop HOST:PORT    gRPC's interoperability test service

Needs PyPI grpcio and nothing else: messages are written and read by field number.
"""
import array
import concurrent.futures
import struct
import sys
import threading

import grpc

PREDICT = "/tensorflow.serving.PredictionService/Predict"
TEST = "/grpc.testing.TestService/"
LONG = 20
OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)]


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field, value):
    return varint(field << 3) + varint(value)


def nested(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(message):
    """Number and value of each field; a fixed-size one is not expected."""
    at = 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = read()
        if key & 7 == 0:
            yield key >> 3, read()
        elif key & 7 == 2:
            length = read()
            yield key >> 3, message[at : at + length]
            at += length
        else:
            raise ValueError("wire type %d" % (key & 7))


def field(message, wanted):
    return next((value for found, value in fields(message) if found == wanted), None)


def unary(channel, path, message, timeout=LONG, **settings):
    return channel.unary_unary(path).with_call(message, timeout, **settings)


def expect_status(code, text, call):
    try:
        call()
    except grpc.RpcError as fault:
        assert fault.code() == code, fault
        assert text in (fault.details() or ""), fault
        return
    raise AssertionError("the call went well, expected %s" % code)


# Predict


def vector(values):
    return number(1, 1) + nested(2, nested(2, number(1, len(values)))) + nested(4, array.array("f", values).tobytes())


def predict_request(model, **inputs):
    entries = (nested(2, nested(1, name.encode()) + nested(2, value)) for name, value in inputs.items())
    return nested(1, nested(1, model.encode())) + b"".join(entries)


def long_call():
    return predict_request("rounds", x=vector([0.0] * 16), n=number(1, 9) + nested(2, b"") + nested(4, struct.pack("<q", 200_000)))


def half_plus_two(channel, values, **settings):
    response, _ = unary(channel, PREDICT, predict_request("half_plus_two", x=vector(values)), **settings)
    tensor = field(field(response, 1), 2)
    content = field(tensor, 5) or field(tensor, 4)
    assert array.array("f", content) == array.array("f", [value / 2 + 2 for value in values])


def large():
    return array.array("f", range(1024)) * (5 << 8)


def predict_gzip(channel):
    half_plus_two(channel, [1.0], compression=grpc.Compression.Gzip)
    half_plus_two(channel, large(), compression=grpc.Compression.Gzip)
    half_plus_two(channel, large(), compression=grpc.Compression.Deflate)


def predict_errors(channel):
    expect_status(grpc.StatusCode.NOT_FOUND, "nobody", lambda: unary(channel, PREDICT, predict_request("nobody")))
    expect_status(grpc.StatusCode.INVALID_ARGUMENT, "", lambda: unary(channel, PREDICT, b"\xff"))
    expect_status(grpc.StatusCode.UNIMPLEMENTED, "Nothing", lambda: unary(channel, "/tensorflow.serving.PredictionService/Nothing", b""))


def predict_deadline(channel):
    expect_status(grpc.StatusCode.DEADLINE_EXCEEDED, "", lambda: unary(channel, PREDICT, long_call(), 0.03))
    half_plus_two(channel, [1.0])


def predict_cancellation(channel):
    call = channel.unary_unary(PREDICT).future(long_call(), LONG)
    timer = threading.Timer(0.01, call.cancel)
    timer.start()
    try:
        call.result()
        raise AssertionError("the call went well, expected a cancellation")
    except grpc.FutureCancelledError:
        pass
    half_plus_two(channel, [1.0])


def predict_many(channel):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda index: half_plus_two(channel, [float(index), 2.0]), range(500)))


PREDICT_CHECKS = {
    "predict": lambda channel: half_plus_two(channel, [1.0, 2.0, 5.0]),
    "large tensor": lambda channel: half_plus_two(channel, large()),
    "gzip": predict_gzip,
    "metadata": lambda channel: half_plus_two(channel, [1.0], metadata=(("x-id", "a, b"), ("x-id", "c"), ("x-token-bin", b"\0\1\xfe\xff"))),
    "error status": predict_errors,
    "deadline": predict_deadline,
    "cancellation": predict_cancellation,
    "50 at once": predict_many,
}

# gRPC's test service


def flag(value):
    return number(1, 1) if value else b""


def payload(size):
    return nested(2, bytes(size))


def simple_request(size=0, body=0, compressed=None, expect=None, status=None):
    out = number(2, size) + nested(3, payload(body))
    if compressed is not None:
        out += nested(6, flag(compressed))
    if status is not None:
        out += nested(7, number(1, status[0]) + nested(2, status[1].encode()))
    if expect is not None:
        out += nested(8, flag(expect))
    return out


def output_request(*sizes, body=0, compressed=()):
    parameters = [number(1, size) + (nested(3, flag(compressed[index])) if compressed else b"") for index, size in enumerate(sizes)]
    return b"".join(nested(2, parameter) for parameter in parameters) + nested(3, payload(body))


def body_length(response):
    return len(field(field(response, 1) or b"", 2) or b"")


def empty_unary(channel):
    assert unary(channel, TEST + "EmptyCall", b"")[0] == b""


def large_unary(channel):
    assert body_length(unary(channel, TEST + "UnaryCall", simple_request(314159, 271828))[0]) == 314159


def client_compressed_unary(channel):
    probe = simple_request(314159, 271828, expect=True)
    expect_status(grpc.StatusCode.INVALID_ARGUMENT, "", lambda: unary(channel, TEST + "UnaryCall", probe))
    for compression, expect in ((grpc.Compression.Gzip, True), (grpc.Compression.Deflate, True), (grpc.Compression.NoCompression, False)):
        request = simple_request(314159, 271828, expect=expect)
        assert body_length(unary(channel, TEST + "UnaryCall", request, compression=compression)[0]) == 314159


def server_compressed_unary(channel):
    for compressed in (True, False):
        assert body_length(unary(channel, TEST + "UnaryCall", simple_request(314159, 271828, compressed=compressed))[0]) == 314159


def client_streaming(channel):
    sizes = (27182, 8, 1828, 45904)
    response = channel.stream_unary(TEST + "StreamingInputCall")(iter([nested(1, payload(size)) for size in sizes]), LONG)
    assert field(response, 1) == sum(sizes)


def client_compressed_streaming(channel):
    messages = [nested(1, payload(size)) + nested(2, flag(True)) for size in (27182, 45904)]
    call = channel.stream_unary(TEST + "StreamingInputCall")
    assert field(call(iter(messages), LONG, compression=grpc.Compression.Gzip), 1) == 73086
    expect_status(grpc.StatusCode.INVALID_ARGUMENT, "", lambda: call(iter(messages), LONG))


def server_streaming(channel):
    sizes = [31415, 9, 2653, 58979]
    responses = channel.unary_stream(TEST + "StreamingOutputCall")(output_request(*sizes), LONG)
    assert [body_length(response) for response in responses] == sizes


def server_compressed_streaming(channel):
    request = output_request(31415, 92653, compressed=(True, False))
    responses = channel.unary_stream(TEST + "StreamingOutputCall")(request, LONG)
    assert [body_length(response) for response in responses] == [31415, 92653]


def ping_pong(channel):
    answered = threading.Semaphore(1)

    def requests():
        for size, body in ((31415, 27182), (9, 8), (2653, 1828), (58979, 45904)):
            answered.acquire()
            yield output_request(size, body=body)

    sizes = []
    for response in channel.stream_stream(TEST + "FullDuplexCall")(requests(), LONG):
        sizes.append(body_length(response))
        answered.release()
    assert sizes == [31415, 9, 2653, 58979]


def empty_stream(channel):
    assert list(channel.stream_stream(TEST + "FullDuplexCall")(iter(()), LONG)) == []


def blocked(released):
    released.wait(LONG)
    return
    yield


def cancel_after_begin(channel):
    released = threading.Event()
    call = channel.stream_unary(TEST + "StreamingInputCall").future(blocked(released), LONG)
    call.cancel()
    released.set()
    assert call.cancelled()


def cancel_after_first_response(channel):
    released = threading.Event()

    def requests():
        yield output_request(31415, body=27182)
        released.wait(LONG)

    call = channel.stream_stream(TEST + "FullDuplexCall")(requests(), LONG)
    assert body_length(next(call)) == 31415
    call.cancel()
    released.set()
    expect_status(grpc.StatusCode.CANCELLED, "", lambda: next(call))


def timeout_on_sleeping_server(channel):
    released = threading.Event()

    def requests():
        yield output_request(body=27182)
        released.wait(LONG)

    call = channel.stream_stream(TEST + "FullDuplexCall")(requests(), 0.05)
    expect_status(grpc.StatusCode.DEADLINE_EXCEEDED, "", lambda: next(call))
    released.set()


def custom_metadata(channel):
    metadata = (("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", b"\x0a\x0b\x0a\x0b\x0a\x0b\xff"))
    _, call = unary(channel, TEST + "UnaryCall", simple_request(1, 1), metadata=metadata)
    stream = channel.stream_stream(TEST + "FullDuplexCall")(iter([output_request(1, body=1)]), LONG, metadata=metadata)
    assert [body_length(response) for response in stream] == [1]
    for each in (call, stream):
        assert tuple(metadata[0]) in {tuple(entry) for entry in each.initial_metadata()}
        assert tuple(metadata[1]) in {tuple(entry) for entry in each.trailing_metadata()}


def status_code_and_message(channel):
    request = simple_request(status=(2, "test status message"))
    expect_status(grpc.StatusCode.UNKNOWN, "test status message", lambda: unary(channel, TEST + "UnaryCall", request))
    message = nested(7, number(1, 2) + nested(2, b"test status message"))
    call = channel.stream_stream(TEST + "FullDuplexCall")
    expect_status(grpc.StatusCode.UNKNOWN, "test status message", lambda: list(call(iter([message]), LONG)))


def special_status_message(channel):
    for text in ("\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n", " blanks at both ends ", "100 %"):
        request = simple_request(status=(2, text))
        expect_status(grpc.StatusCode.UNKNOWN, text, lambda: unary(channel, TEST + "UnaryCall", request))


def unimplemented_method(channel):
    expect_status(grpc.StatusCode.UNIMPLEMENTED, "", lambda: unary(channel, TEST + "UnimplementedCall", b""))


def unimplemented_service(channel):
    expect_status(grpc.StatusCode.UNIMPLEMENTED, "", lambda: unary(channel, "/grpc.testing.UnimplementedService/UnimplementedCall", b""))


INTEROP_CASES = (
    empty_unary,
    large_unary,
    client_compressed_unary,
    server_compressed_unary,
    client_streaming,
    client_compressed_streaming,
    server_streaming,
    server_compressed_streaming,
    ping_pong,
    empty_stream,
    cancel_after_begin,
    cancel_after_first_response,
    timeout_on_sleeping_server,
    custom_metadata,
    status_code_and_message,
    special_status_message,
    unimplemented_method,
    unimplemented_service,
)


def main(mode, target):
    checks = PREDICT_CHECKS if mode == "predict" else {case.__name__: case for case in INTEROP_CASES}
    with grpc.insecure_channel(target, OPTIONS) as channel:
        for name, check in checks.items():
            check(channel)
            print("%s: ok" % name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
