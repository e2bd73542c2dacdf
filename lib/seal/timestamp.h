// Reads RFC 3161 timestamps, which scripts/timestamp-checkpoint requests for checkpoints.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"

namespace gw::seal {

// What a timestamp says. Its signature was not verified: that needs the authority's certificate.
struct Timestamp {
  Micros time = 0;   // when the data existed, in microseconds since the epoch
  Digest imprint{};  // SHA-256 of the data
};

// Parses a timestamp response (TimeStampResp, RFC 3161, section 2.4.2). Fails with BadInput if it is
// not one, if the authority did not grant the request, or if the digest is not SHA-256.
Result<Timestamp> read_timestamp(ByteView response);

}  // namespace gw::seal
