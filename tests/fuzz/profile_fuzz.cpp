// The user's profile files, the command lines in them, and what their programs print.

#include <string>
#include <vector>

#include <ringpull/s3/process_credentials.hpp>
#include <ringpull/s3/profile_files.hpp>

#include "s3/src/credentials/document.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using testing::require;

namespace {

void require_clean(const Error& error) {
  require(error.message().size() < 1024, "a message is short");
  for (char c : error.message()) {
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a message is one line of text");
  }
}

void check_files(std::string_view text) {
  for (auto kind : {s3::ProfileFileKind::config, s3::ProfileFileKind::credentials}) {
    s3::ProfileFiles files;
    auto added = files.add(text, kind);
    if (!added) require_clean(added.error());
    // The same text again changes nothing.
    std::size_t before = files.size();
    auto again = files.add(text, kind);
    require(again.has_value() == added.has_value() && files.size() == before, "adding is stable");
  }
}

/// Quotes each word so that splitting gives it back.
std::string join(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += '"';
    for (char c : word) {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += "\" ";
  }
  return line;
}

void check_command_line(std::string_view line) {
  auto words = s3::split_command_line(line);
  if (!words) return require_clean(words.error());
  require(!words->empty() && !words->front().empty(), "a command names a program");
  auto again = s3::split_command_line(join(*words));
  require(again.has_value() && *again == *words, "quoted words are themselves");
}

void check_document(std::string_view text) {
  for (auto kind :
       {s3::DocumentKind::container, s3::DocumentKind::machine, s3::DocumentKind::process}) {
    auto credentials = s3::read_credentials_document(text, kind);
    if (!credentials) {
      require_clean(credentials.error());
      continue;
    }
    require(!credentials->anonymous() && !credentials->secret_access_key.empty(),
            "a document gives a whole key");
  }
  s3::describe_error_document(text);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = testing::as_text(data, size);
  check_files(text);
  check_command_line(text);
  check_document(text);
  return 0;
}
