// Replays a fuzz target's corpus and a fixed number of mutations of it, in every build and with
// every compiler. RINGPULL_TEST_SEED sets another seed than the usual one.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include "tests/fuzz/fuzz.hpp"

namespace ringpull::testing {
namespace {

constexpr int kMutants = 5000;
constexpr int kMutationsMax = 6;
constexpr std::size_t kBytesMax = 4096;

// What the surfaces' grammars turn on.
constexpr std::string_view kTokens[] = {"\r\n",
                                        "\r\n\r\n",
                                        "\n",
                                        "\r",
                                        ":",
                                        " ",
                                        "\t",
                                        ";",
                                        ",",
                                        "/",
                                        "?",
                                        "#",
                                        "@",
                                        "[",
                                        "]",
                                        "%",
                                        "%2F",
                                        "0",
                                        "0\r\n\r\n",
                                        "ffffffffffffffff",
                                        "chunked",
                                        "gzip, ",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Content-Length: 5\r\n",
                                        "Content-Length: ",
                                        "Connection: close\r\n",
                                        "Host: h\r\n",
                                        "HTTP/1.1 ",
                                        "HTTP/1.0 ",
                                        "HTTP/1.1 100 Continue\r\n\r\n",
                                        "http://",
                                        "https://",
                                        "::1"};

std::uint64_t seed() {
  const char* given = std::getenv("RINGPULL_TEST_SEED");
  return given == nullptr ? 20240229 : std::strtoull(given, nullptr, 10);
}

std::vector<std::string> load_corpus() {
  const std::filesystem::path folder =
      RINGPULL_SOURCE_DIR "/tests/fuzz/corpus/" RINGPULL_FUZZ_SURFACE;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

std::string hex(std::string_view input) {
  std::string out;
  for (const char c : input) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

void run(const std::string& input) {
  try {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  } catch (const std::exception& failure) {
    FAIL() << failure.what() << "\ninput in hexadecimal: " << hex(input);
  }
}

void mutate(std::string& input, const std::vector<std::string>& corpus, std::mt19937_64& random) {
  const std::size_t at = input.empty() ? 0 : random() % input.size();
  const std::size_t count = 1 + random() % 8;
  switch (random() % 6) {
    case 0:
      if (!input.empty()) input[at] = static_cast<char>(random());
      break;
    case 1: input.erase(at, count); break;
    case 2: input.insert(at, input.substr(at, count)); break;
    case 3: input.insert(at, kTokens[random() % std::size(kTokens)]); break;
    case 4: input.resize(at); break;
    default: {
      const std::string& other = corpus[random() % corpus.size()];
      input.resize(at);
      if (!other.empty()) input += other.substr(random() % other.size());
    }
  }
  if (input.size() > kBytesMax) input.resize(kBytesMax);
}

TEST(FuzzReplay, CorpusHoldsItsProperties) {
  const auto corpus = load_corpus();
  ASSERT_FALSE(corpus.empty());
  run("");
  for (const auto& input : corpus) run(input);
}

TEST(FuzzReplay, MutationsOfTheCorpusHoldTheirProperties) {
  const auto corpus = load_corpus();
  ASSERT_FALSE(corpus.empty());
  std::cout << "seed " << seed() << '\n';
  std::mt19937_64 random(seed());
  for (int i = 0; i < kMutants && !HasFailure(); ++i) {
    std::string input = corpus[random() % corpus.size()];
    for (std::size_t left = 1 + random() % kMutationsMax; left > 0; --left)
      mutate(input, corpus, random);
    run(input);
  }
}

}  // namespace
}  // namespace ringpull::testing
