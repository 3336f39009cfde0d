#pragma once
// Messages and their parsers by name, for headers that only refer to them. Client, server and TLS
// are not among them.

#include <cstdint>

namespace ringpull::inline v0::http {

class ByteRange;
class ChunkedDecoder;
class Headers;
class RequestParser;
class ResponseParser;
class Url;
struct BodyStep;
struct ContentRange;
struct HeaderField;
struct ParserLimits;
struct RequestHead;
struct ResponseHead;
struct RangeSelection;
enum class Framing : std::uint8_t;
enum class RequestKind : std::uint8_t;
enum class Scheme : std::uint8_t;

}  // namespace ringpull::inline v0::http
