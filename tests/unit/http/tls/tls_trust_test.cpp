// Whom to trust and who we are: what is read from files and refused when it cannot be used.
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/http/tls_identity.hpp>

#include "tests/support/tls_pair.hpp"

namespace ringpull::http {
namespace {

using engine::Task;
using test::Certificate;
using test::failure_of;
using test::shake;
using test::succeeds;
using test::TemporaryFile;
using test::TlsPair;
using testing::HasSubstr;

/// Sets a variable of the environment for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

void expect_unusable(const Result<TlsClientContext>& context, const std::string& words) {
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().kind(), ErrorKind::tls);
  EXPECT_EQ(failure_of(context), TlsFailure::configuration);
  EXPECT_THAT(context.error().message(), HasSubstr(words));
}

void expect_unusable_bundle(const std::string& path) {
  TlsClientOptions options;
  options.ca_file = path;
  expect_unusable(TlsClientContext::create(options), "read the CA bundle " + path);
  options.skip_verify = true;
  expect_unusable(TlsClientContext::create(options), "read the CA bundle " + path);
}

TEST(TlsTrust, RefusesABundleThatIsMissing) { expect_unusable_bundle("/nowhere/bundle.pem"); }

TEST(TlsTrust, RefusesABundleThatIsAFolder) {
  expect_unusable_bundle(std::filesystem::temp_directory_path().string());
}

TEST(TlsTrust, RefusesABundleWithoutACertificate) {
  expect_unusable_bundle(TemporaryFile("").path());
  const TemporaryFile text("no certificate in here\n");
  expect_unusable_bundle(text.path());
}

TEST(TlsTrust, RefusesABundleWithABrokenCertificateBehindAGoodOne) {
  const std::string good = Certificate::self_signed(test::authority("good")).pem();
  std::string broken = Certificate::self_signed(test::authority("broken")).pem();
  broken[broken.size() / 2] = '!';
  const TemporaryFile bundle(good + broken);
  expect_unusable_bundle(bundle.path());
}

TEST(TlsTrust, IsLoadedOnceForEachBundle) {
  const std::string pem = Certificate::self_signed(test::authority("authority")).pem();
  const TemporaryFile one(pem);
  const TemporaryFile other(pem);
  const TlsTrust first = TlsTrust::load(one.path()).value();
  EXPECT_EQ(&first.state(), &TlsTrust::load(one.path()).value().state());
  EXPECT_NE(&first.state(), &TlsTrust::load(other.path()).value().state());
  EXPECT_EQ(&TlsTrust::load("").value().state(), &TlsTrust::load("").value().state());
  one.replace(pem + pem);
  EXPECT_NE(&first.state(), &TlsTrust::load(one.path()).value().state()) << "the file has changed";
}

Task<bool> is_trusted(const TlsPair& pair) {
  auto ends = co_await shake(pair);
  EXPECT_TRUE(ends.client || failure_of(ends.client) == TlsFailure::issuer_missing);
  co_return ends.client.has_value();
}

bool trusted(const TlsPair& pair) {
  auto loop = test::make_loop();
  return loop->run([&] { return is_trusted(pair); });
}

TEST(TlsTrust, ABundleStandsInPlaceOfTheSystemsStore) {
  TlsPair pair;
  const TemporaryFile stranger(Certificate::self_signed(test::authority("stranger")).pem());
  const std::string own = pair.client_options.ca_file;
  const Environment system("SSL_CERT_FILE", own);
  pair.client_options.ca_file = stranger.path();
  EXPECT_FALSE(trusted(pair)) << "the system trusts it, the bundle does not";
  pair.client_options.ca_file = own;
  EXPECT_TRUE(trusted(pair));
}

TEST(TlsTrust, WithoutABundleIsTheSystemsStore) {
  TlsPair pair;
  const std::string own = pair.client_options.ca_file;
  pair.client_options.ca_file.clear();
  EXPECT_FALSE(trusted(pair));
  const Environment system("SSL_CERT_FILE", own);
  EXPECT_TRUE(trusted(pair));
}

class TlsOwnCertificate : public testing::Test {
 protected:
  TlsClientOptions options_with(const std::string& certificate, const std::string& key) const {
    TlsClientOptions options;
    options.skip_verify = true;
    options.certificate_file = certificate;
    options.key_file = key;
    return options;
  }
  void expect_refused(const std::string& certificate, const std::string& key,
                      const std::string& words) const {
    expect_unusable(TlsClientContext::create(options_with(certificate, key)), words);
  }

  const Certificate own_ = Certificate::self_signed(test::server("DNS:client"));
  const Certificate other_ = Certificate::self_signed(test::server("DNS:other"));
  const TemporaryFile certificate_{own_.pem()};
  const TemporaryFile key_{own_.key_pem()};
};

TEST_F(TlsOwnCertificate, IsReadFromItsFiles) {
  EXPECT_TRUE(succeeds(TlsClientContext::create(options_with(certificate_.path(), key_.path()))));
}

TEST_F(TlsOwnCertificate, NeedsBothFiles) {
  expect_refused(certificate_.path(), "", "both");
  expect_refused("", key_.path(), "both");
}

TEST_F(TlsOwnCertificate, ThatIsMissingIsRefused) {
  expect_refused("/nowhere/own.pem", key_.path(), "read the client certificate /nowhere/own.pem");
  expect_refused(certificate_.path(), "/nowhere/own.key", "read the client key /nowhere/own.key");
}

TEST_F(TlsOwnCertificate, WithTheKeyOfAnotherIsRefused) {
  const TemporaryFile stranger(other_.key_pem());
  expect_refused(certificate_.path(), stranger.path(), "key values mismatch");
}

TEST_F(TlsOwnCertificate, WithAnEncryptedKeyIsRefusedWithoutAQuestion) {
  const TemporaryFile locked(own_.encrypted_key_pem());
  expect_refused(certificate_.path(), locked.path(), "an encrypted key is not supported");
}

TEST_F(TlsOwnCertificate, InPlaceOfItsKeyIsRefusedWithoutShowingIt) {
  expect_refused(certificate_.path(), certificate_.path(), "read the client key");
  expect_refused(key_.path(), key_.path(), "read the client certificate");
}

TEST_F(TlsOwnCertificate, WithABrokenChainIsRefused) {
  std::string chain = other_.pem();
  chain[chain.size() / 2] = '!';
  const TemporaryFile broken(own_.pem() + chain);
  expect_refused(broken.path(), key_.path(), "read the chain in the client certificate");
}

TEST(TlsServerCertificate, IsRefusedWhenItCannotBeUsed) {
  const Certificate own = Certificate::self_signed(test::server("DNS:localhost"));
  const Certificate other = Certificate::self_signed(test::server("DNS:localhost"));
  TlsServerOptions options;
  EXPECT_EQ(failure_of(TlsServerContext::create(options)), TlsFailure::configuration);
  options.certificate_pem = own.pem();
  options.key_pem = other.key_pem();
  EXPECT_EQ(failure_of(TlsServerContext::create(options)), TlsFailure::configuration);
  options.key_pem = own.key_pem();
  EXPECT_TRUE(succeeds(TlsServerContext::create(options)));
}

TEST(TlsServerCertificate, IsReadFromItsFiles) {
  const Certificate own = Certificate::self_signed(test::server("DNS:localhost"));
  const TemporaryFile certificate(own.pem());
  const TemporaryFile key(own.key_pem());
  auto options = TlsServerOptions::from_files(certificate.path(), key.path());
  ASSERT_TRUE(succeeds(options));
  EXPECT_TRUE(succeeds(TlsServerContext::create(*options)));
  EXPECT_EQ(failure_of(TlsServerOptions::from_files("/nowhere", key.path())),
            TlsFailure::configuration);
}

// Certificates made on the spot.

TEST(TlsIdentity, IsTrustedUnderEachOfItsNamesAndNoOther) {
  const std::vector<std::string> names{"localhost", "127.0.0.1", "::1", "*.s3.localhost"};
  const TlsIdentity identity = make_tls_identity(names).value();
  const TemporaryFile bundle(identity.ca_pem);
  TlsPair pair;
  pair.client_options.ca_file = bundle.path();
  pair.server_options.certificate_pem = identity.certificate_pem;
  pair.server_options.key_pem = identity.key_pem;
  auto connects = [&](std::string host) {
    auto loop = test::make_loop();
    auto ends = loop->run([&] { return shake(pair, host); });
    EXPECT_TRUE(ends.client || failure_of(ends.client) == TlsFailure::wrong_host);
    return ends.client.has_value();
  };
  for (const char* host : {"localhost", "127.0.0.1", "::1", "bucket.s3.localhost"}) {
    EXPECT_TRUE(connects(host)) << host;
  }
  for (const char* host : {"example", "127.0.0.2", "::2", "s3.localhost"}) {
    EXPECT_FALSE(connects(host)) << host;
  }
}

TEST(TlsIdentity, IsAnotherEachTime) {
  const std::vector<std::string> names{"localhost"};
  const TlsIdentity one = make_tls_identity(names).value();
  const TlsIdentity other = make_tls_identity(names).value();
  EXPECT_NE(one.key_pem, other.key_pem);
  EXPECT_NE(one.ca_pem, other.ca_pem);
}

TEST(TlsIdentity, RefusesNamesThatCannotStandInACertificate) {
  for (const std::string& name : {std::string(), std::string("a,DNS:b"), std::string("a b")}) {
    const std::vector<std::string> names{name};
    EXPECT_EQ(make_tls_identity(names).error().kind(), ErrorKind::invalid_argument) << name;
  }
  EXPECT_EQ(make_tls_identity({}).error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace ringpull::http
