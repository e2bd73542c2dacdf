// Where the certificate of the servers is if gw.toml names none.
#pragma once

#include "config/config.h"

namespace gw::config {

// Returns VAULT/tls/certificate.pem and key.pem, and for a vault of the system the same names in
// /etc/gw/tls, because its servers run as users that cannot read the vault. `vault` in the
// configuration is absolute. config::find() uses the pair if it exists, and `gw-store certificate`
// puts one there.
Certificate default_certificate(const Config& config);

}  // namespace gw::config
