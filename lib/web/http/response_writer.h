// Writes one HTTP/1.1 response to a connection (RFC 9112).
//
//   const bool reusable = write_response(stream, std::move(response), request.method == "HEAD", closes);
//
// The caller has checked the header fields (valid_header()) and set the stream's write timeout,
// which limits each write.
#pragma once

#include "net/stream.h"
#include "web/http/http.h"

namespace gw::web {

// Writes status line, header fields and body, and adds Content-Type, Content-Length or
// Transfer-Encoding, Date and, if `closes`, `Connection: close`. With `head_only`, for a HEAD
// request, it writes no body and does not call Response::stream; the fields are those of GET.
//
// The bytes are collected and leave in pieces of one TLS record, so a small response leaves at
// once with its head. All bytes are wiped from memory after they are sent, because pages may show
// a secret.
//
// Returns true if the connection can be used for another request: the response does not close it,
// every byte was written, and the body was complete. If Response::stream returns false, throws, or
// writes a number of bytes other than Response::length, the caller must close the connection: the
// client then knows that the body is incomplete. The exception is logged.
bool write_response(net::Stream& stream, Response response, bool head_only, bool closes);

}  // namespace gw::web
