// Every message of tests/golden/http is read whole, byte by byte, cut in two at each place and cut
// at random, and must give the log written beside it each time. The seed is printed on failure;
// RINGPULL_TEST_SEED sets another one.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <gtest/gtest.h>
#include <numeric>
#include <ostream>
#include <random>

#include "tests/unit/http/message/golden_case.hpp"

namespace ringpull::testing {

void PrintTo(const GoldenCase& golden, std::ostream* out) {
  *out << golden.file << ".md:" << golden.line << " " << golden.title;
}

namespace {

constexpr std::size_t kSmallBytes = 2048;
constexpr int kRandomRounds = 50;

std::uint64_t seed() {
  const char* given = std::getenv("RINGPULL_TEST_SEED");
  return given == nullptr ? 20240229 : std::strtoull(given, nullptr, 10);
}

Cuts random_cuts(std::size_t size, std::mt19937_64& random) {
  Cuts cuts(1 + random() % 8);
  for (auto& cut : cuts) cut = random() % size;
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

// The messages of llhttp change with its version: "error protocol" in a log stands for any text.
std::string without_error_text(const std::string& log) {
  const std::size_t error = log.rfind("error ");
  if (error == std::string::npos) return log;
  return log.substr(0, log.find(':', error)) + "\n";
}

class HttpGolden : public ::testing::TestWithParam<GoldenCase> {
 protected:
  void expect_log(const Cuts& cuts) const {
    const GoldenCase& golden = GetParam();
    std::string log = message_log(golden.setup, golden.bytes, cuts);
    const std::size_t error = golden.log.rfind("error ");
    const bool any_text =
        error != std::string::npos && golden.log.find(':', error) == std::string::npos;
    EXPECT_EQ(any_text ? without_error_text(log) : log, golden.log);
  }
};

TEST_P(HttpGolden, GivesTheLogHoweverItIsCut) {
  const std::size_t size = GetParam().bytes.size();
  ASSERT_GT(size, 0U);
  {
    SCOPED_TRACE("whole");
    expect_log({});
    if (HasFailure()) return;
  }
  {
    SCOPED_TRACE("byte by byte");
    Cuts cuts(size - 1);
    std::iota(cuts.begin(), cuts.end(), 1);
    expect_log(cuts);
  }
  for (std::size_t cut = 1; cut < size && size <= kSmallBytes && !HasFailure(); ++cut) {
    SCOPED_TRACE("cut at " + std::to_string(cut));
    expect_log({cut});
  }
  std::mt19937_64 random(seed());
  for (int round = 0; round < kRandomRounds && !HasFailure(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed()) + " round " + std::to_string(round));
    expect_log(random_cuts(size, random));
  }
}

std::string test_name(const ::testing::TestParamInfo<GoldenCase>& info) {
  std::string name =
      info.param.file + "_" + info.param.title + "_" + std::to_string(info.param.line);
  std::string out;
  for (char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += c;
    } else if (!out.ends_with('_')) {
      out += '_';
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Markdown, HttpGolden,
                         ::testing::ValuesIn(load_golden_cases(RINGPULL_SOURCE_DIR
                                                               "/tests/golden/http")),
                         test_name);

}  // namespace
}  // namespace ringpull::testing
