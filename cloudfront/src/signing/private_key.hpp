#pragma once
// What a PrivateKey holds, for the signer too; apart from the public header, which shows no
// OpenSSL.

#include <ringpull/cloudfront/url_signer.hpp>

#include "cloudfront/src/signing/openssl.hpp"

namespace ringpull::inline v0::cloudfront {

struct PrivateKey::Key {
  detail::PkeyPtr pkey;
};

}  // namespace ringpull::inline v0::cloudfront
