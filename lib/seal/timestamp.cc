#include "seal/timestamp.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/ts.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace gw::seal {

Result<Timestamp> read_timestamp(ByteView response) {
  const Error invalid(Code::BadInput, "not a timestamp response (RFC 3161)");
  const unsigned char* at = as_uchar(response.data());
  const std::unique_ptr<TS_RESP, decltype(&TS_RESP_free)> parsed(
      ::d2i_TS_RESP(nullptr, &at, static_cast<long>(response.size())), &TS_RESP_free);
  if (!parsed) return invalid;
  // OpenSSL sets the token's content only for the two statuses that grant the request. The object
  // belongs to the response.
  TS_TST_INFO* const info = ::TS_RESP_get_tst_info(parsed.get());
  if (info == nullptr) return Error(Code::BadInput, "the timestamp authority did not grant the request");

  Timestamp timestamp;
  std::tm parts{};
  if (::ASN1_TIME_to_tm(::TS_TST_INFO_get_time(info), &parts) != 1) return invalid;
  timestamp.time = static_cast<Micros>(::timegm(&parts)) * 1'000'000;
  TS_MSG_IMPRINT* const imprint = ::TS_TST_INFO_get_msg_imprint(info);
  const ASN1_OBJECT* algorithm = nullptr;
  ::X509_ALGOR_get0(&algorithm, nullptr, nullptr, ::TS_MSG_IMPRINT_get_algo(imprint));
  const ASN1_OCTET_STRING* const digest = ::TS_MSG_IMPRINT_get_msg(imprint);
  if (::OBJ_obj2nid(algorithm) != NID_sha256 ||
      static_cast<std::size_t>(::ASN1_STRING_length(digest)) != timestamp.imprint.size())
    return Error(Code::BadInput, "the timestamp is not over a SHA-256 digest");
  const auto* bytes = reinterpret_cast<const std::byte*>(::ASN1_STRING_get0_data(digest));
  std::copy_n(bytes, timestamp.imprint.size(), timestamp.imprint.begin());
  return timestamp;
}

}  // namespace gw::seal
