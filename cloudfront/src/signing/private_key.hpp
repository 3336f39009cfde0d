#pragma once

#include <ringpull/cloudfront/url_signer.hpp>

#include "cloudfront/src/signing/openssl.hpp"

namespace ringpull::inline v0::cloudfront {

struct PrivateKey::Key {
  detail::PkeyPtr pkey;
};

}  // namespace ringpull::inline v0::cloudfront
